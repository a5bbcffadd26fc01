//! The sound: AAC-LC at 48 kHz.

use ffmpeg_next::{
    ChannelLayout, Dictionary, Rational, codec,
    codec::encoder,
    format::{Sample, sample::Type},
    frame,
};

use crate::{
    Error, Result,
    encode::{Rung, refused},
    sound::{RATE, Sound},
};

/// An open encoder and the sound it has yet to send.
pub(crate) struct Audio {
    pub(crate) encoder: encoder::audio::Encoder,
    pub(crate) step: Rational,
    sound: Sound,
    sent: usize,
    layout: ChannelLayout,
}

impl Audio {
    pub(crate) fn open(rung: &Rung, sound: &Sound) -> Result<Self> {
        let missing = || Error::Encode { what: "sound", reason: "this ffmpeg has no aac".into() };
        let codec = encoder::find_by_name("aac").ok_or_else(missing)?;
        let mut context = codec::context::Context::new_with_codec(codec);
        context.set_flags(codec::Flags::GLOBAL_HEADER | codec::Flags::BITEXACT);
        let mut audio = context.encoder().audio().map_err(refused("sound"))?;
        let layout = match sound.channels.len() {
            1 => ChannelLayout::MONO,
            2 => ChannelLayout::STEREO,
            n => return Err(Error::Encode { what: "sound", reason: format!("{n} channels") }),
        };
        let step = Rational(1, RATE.cast_signed());
        audio.set_rate(RATE.cast_signed());
        audio.set_channel_layout(layout);
        audio.set_format(Sample::F32(Type::Planar));
        audio.set_bit_rate(rung.sound_kbps as usize * 1000);
        audio.set_time_base(step);
        let mut options = Dictionary::new();
        if rung.sound_kbps < 96 {
            // The default search overshoots at few bits: 0.8 LU louder and up to 2 dB over the ceiling at 28 kbit/s.
            options.set("aac_coder", "fast");
        }
        let encoder = audio.open_with(options).map_err(refused("sound"))?;
        Ok(Self { encoder, step, sound: sound.clone(), sent: 0, layout })
    }

    /// Sends the next piece when it starts before sample `until`; says whether it did.
    pub(crate) fn send(&mut self, until: usize) -> Result<bool> {
        if self.sent >= until.min(self.sound.len()) {
            return Ok(false);
        }
        let size = (self.encoder.frame_size() as usize).min(self.sound.len() - self.sent);
        let mut frame = frame::Audio::new(Sample::F32(Type::Planar), size, self.layout);
        frame.set_rate(RATE);
        frame.set_pts(Some(i64::try_from(self.sent).expect("a clip is short")));
        for (i, channel) in self.sound.channels.iter().enumerate() {
            let plane: &mut [f32] = frame.plane_mut(i);
            plane[..size].copy_from_slice(&channel[self.sent..self.sent + size]);
        }
        self.sent += size;
        self.encoder.send_frame(&frame).map_err(refused("sound"))?;
        Ok(true)
    }
}
