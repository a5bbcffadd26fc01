//! The only file with `unsafe`: AVX2 copies of the row loops, and what ffmpeg-next does not offer safely.

#![expect(unsafe_code, reason = "SIMD and a few calls of libav; everything else is safe")]
#![allow(clippy::cast_ptr_alignment, reason = "only unaligned loads and stores are used")]

use crate::rows::Columns;

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_loadu_si128, _mm_storeu_si128, _mm256_add_epi16,
        _mm256_castsi128_si256, _mm256_castsi256_si128, _mm256_inserti128_si256,
        _mm256_loadu_si256, _mm256_maddubs_epi16, _mm256_mulhrs_epi16, _mm256_packus_epi16,
        _mm256_permute4x64_epi64, _mm256_set1_epi16, _mm256_shuffle_epi8, _mm256_srai_epi16,
        _mm256_storeu_si256, _mm256_sub_epi16,
    };

    use crate::rows::{self, Columns};

    #[target_feature(enable = "avx2")]
    pub(super) fn across(source: &[u8], columns: &Columns, out: &mut [i16]) {
        let groups = columns.base.iter().zip(&columns.shuffle).zip(&columns.weights);
        for (((base, shuffle), weights), out) in groups.zip(out.chunks_exact_mut(16)) {
            let halves = base.map(|at| {
                let half: &[u8; 16] =
                    source[at as usize..].first_chunk().expect("rows are padded by 64 bytes");
                // SAFETY: `half` is 16 readable bytes; the load needs no alignment.
                unsafe { _mm_loadu_si128(half.as_ptr().cast::<__m128i>()) }
            });
            // SAFETY: both arrays are 32 readable bytes; the loads need no alignment.
            let (shuffle, weights) = unsafe {
                (
                    _mm256_loadu_si256(shuffle.as_ptr().cast::<__m256i>()),
                    _mm256_loadu_si256(weights.as_ptr().cast::<__m256i>()),
                )
            };
            let both = _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(halves[0]), halves[1]);
            let sums = _mm256_maddubs_epi16(_mm256_shuffle_epi8(both, shuffle), weights);
            // SAFETY: `out` is a chunk of 16 values, 32 writable bytes; the store needs no alignment.
            unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast::<__m256i>(), sums) };
        }
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn down(upper: &[i16], lower: &[i16], weight: i16, out: &mut [u8]) {
        let (factor, half) = (_mm256_set1_epi16(weight), _mm256_set1_epi16(32));
        let whole = out.len() / 16 * 16;
        let (body, rest) = out.split_at_mut(whole);
        let pairs = upper.chunks_exact(16).zip(lower.chunks_exact(16));
        for (out, (a, b)) in body.chunks_exact_mut(16).zip(pairs) {
            // SAFETY: chunks of 16 values are 32 readable bytes; the loads need no alignment.
            let (a, b) = unsafe {
                (
                    _mm256_loadu_si256(a.as_ptr().cast::<__m256i>()),
                    _mm256_loadu_si256(b.as_ptr().cast::<__m256i>()),
                )
            };
            let step = _mm256_mulhrs_epi16(_mm256_sub_epi16(b, a), factor);
            let sum = _mm256_add_epi16(_mm256_add_epi16(a, step), half);
            let value = _mm256_srai_epi16::<6>(sum);
            let bytes = _mm256_permute4x64_epi64::<0b1000>(_mm256_packus_epi16(value, value));
            // SAFETY: `out` is a chunk of 16 writable bytes; the store needs no alignment.
            unsafe {
                _mm_storeu_si128(out.as_mut_ptr().cast::<__m128i>(), _mm256_castsi256_si128(bytes));
            }
        }
        rows::down_plain(&upper[whole..], &lower[whole..], weight, rest);
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn over(out: &mut [u8], colour: &[u8], alpha: &[u8], opacity: u16) {
        rows::over_plain(out, colour, alpha, opacity);
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn mix(out: &mut [u8], other: &[u8], weight: u16) {
        rows::mix_plain(out, other, weight);
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn shrink(rows: &[&[u8]], out: &mut [u8]) {
        rows::shrink_plain(rows, out);
    }
}

/// Each of these does the work and answers `true`, or answers `false` on a machine without AVX2.
macro_rules! fast {
    ($($name:ident($($arg:ident: $kind:ty),*);)*) => {$(
        pub(crate) fn $name($($arg: $kind),*) -> bool {
            #[cfg(target_arch = "x86_64")]
            if std::is_x86_feature_detected!("avx2") {
                // SAFETY: the machine has AVX2, which is all the function asks for.
                unsafe { avx2::$name($($arg),*) };
                return true;
            }
            false
        }
    )*};
}

fast! {
    across(source: &[u8], columns: &Columns, out: &mut [i16]);
    down(upper: &[i16], lower: &[i16], weight: i16, out: &mut [u8]);
    over(out: &mut [u8], colour: &[u8], alpha: &[u8], opacity: u16);
    mix(out: &mut [u8], other: &[u8], weight: u16);
    shrink(rows: &[&[u8]], out: &mut [u8]);
}

#[cfg(feature = "ffmpeg")]
pub(crate) use av::{cap_pieces, clear_tag, feed, headers, is_writable, text_track, views};

#[cfg(feature = "ffmpeg")]
mod av {
    use ffmpeg_next::{
        codec::encoder::Encoder,
        ffi::{
            AV_INPUT_BUFFER_PADDING_SIZE, AVCodecID, AVMediaType, av_buffersrc_write_frame,
            av_frame_is_writable, av_mallocz, av_max_alloc,
        },
        filter,
        format::{Pixel, stream::StreamMut},
        frame,
    };

    use crate::yuv::{FrameMut, PlaneMut};

    /// The three planes of a frame at once.
    pub(crate) fn views(picture: &mut frame::Video) -> FrameMut<'_> {
        assert_eq!(picture.format(), Pixel::YUV420P, "frames are made by this crate");
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        // SAFETY: the pointer is to the frame's own AVFrame, valid as long as `picture` is borrowed.
        let raw = unsafe { &mut *picture.as_mut_ptr() };
        std::array::from_fn(|i| {
            let (width, height) = if i == 0 { (width, height) } else { (width / 2, height / 2) };
            let stride = usize::try_from(raw.linesize[i]).expect("frames are not upside down");
            // SAFETY: libav allocated `linesize * height` bytes for each plane of a YUV420P frame, the planes do not
            // overlap, and the views borrow the frame mutably.
            let data = unsafe { std::slice::from_raw_parts_mut(raw.data[i], stride * height) };
            PlaneMut { width, height, stride, data }
        })
    }

    /// Whether nobody else holds the frame's bytes.
    pub(crate) fn is_writable(picture: &mut frame::Video) -> bool {
        // SAFETY: the pointer is to the frame's own AVFrame.
        unsafe { av_frame_is_writable(picture.as_mut_ptr()) > 0 }
    }

    /// Lets the muxer choose the tag: one copied from elsewhere may not fit the container.
    pub(crate) fn clear_tag(stream: &mut StreamMut<'_>) {
        // SAFETY: the stream and its parameters belong to the output context that `stream` borrows.
        unsafe { (*(*stream.as_mut_ptr()).codecpar).codec_tag = 0 };
    }

    /// What an open encoder wants a container to keep apart.
    pub(crate) fn headers(encoder: &Encoder) -> Vec<u8> {
        // SAFETY: the pointer is to the encoder's own context, which lives as long as the borrow.
        let context = unsafe { &*encoder.as_ptr() };
        let length = usize::try_from(context.extradata_size).unwrap_or(0);
        if context.extradata.is_null() || length == 0 {
            return Vec::new();
        }
        // SAFETY: libav allocated `extradata_size` bytes there and does not write to them after opening.
        unsafe { std::slice::from_raw_parts(context.extradata, length) }.to_vec()
    }

    const TEXT_LENGTH: i32 = 48;

    /// How text is shown that carries no style of its own: box 3GPP TS 26.245 §5.16, white at the foot of the picture.
    const TEXT: [u8; TEXT_LENGTH as usize] = [
        0, 0, 0, 0, // display flags
        1, 0xff, // centred, at the foot
        0, 0, 0, 0, // background
        0, 0, 0, 0, 0, 0, 0, 0, // box: where the player puts it
        0, 0, 0, 0, 0, 1, 0, 18, 0xff, 0xff, 0xff,
        0xff, // style: all letters, font 1, 18 points, white
        0, 0, 0, 18, b'f', b't', b'a', b'b', 0, 1, 0, 1, 5, b'S', b'e', b'r', b'i',
        b'f', // fonts
    ];

    /// Makes a new stream a track of timed text.
    pub(crate) fn text_track(stream: &mut StreamMut<'_>) {
        // SAFETY: the stream and its parameters belong to the output context that `stream` borrows; a new stream has no
        // headers yet, and libav frees these, which are allocated as it asks for: zeroed, with its padding behind.
        unsafe {
            let parameters = &mut *(*stream.as_mut_ptr()).codecpar;
            parameters.codec_type = AVMediaType::AVMEDIA_TYPE_SUBTITLE;
            parameters.codec_id = AVCodecID::AV_CODEC_ID_MOV_TEXT;
            let room = TEXT.len() + AV_INPUT_BUFFER_PADDING_SIZE as usize;
            let headers = av_mallocz(room).cast::<u8>();
            if !headers.is_null() {
                std::ptr::copy_nonoverlapping(TEXT.as_ptr(), headers, TEXT.len());
                parameters.extradata = headers;
                parameters.extradata_size = TEXT_LENGTH;
            }
        }
    }

    /// Gives a picture to a filter and keeps it: the safe call takes the picture's bytes away.
    pub(crate) fn feed(
        source: &mut filter::Context,
        picture: &frame::Video,
    ) -> Result<(), ffmpeg_next::Error> {
        // SAFETY: the graph that owns the filter is alive, `source` is borrowed from it; the call takes another
        // reference to the picture's bytes and leaves the picture as it is.
        let code = unsafe { av_buffersrc_write_frame(source.as_mut_ptr(), picture.as_ptr()) };
        if code < 0 { Err(code.into()) } else { Ok(()) }
    }

    /// From now on libav allocates no single piece of memory larger than this, in the whole process.
    pub(crate) fn cap_pieces(bytes: usize) {
        // SAFETY: the call stores a number and nothing else.
        unsafe { av_max_alloc(bytes) };
    }
}
