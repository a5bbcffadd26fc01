//! Any decoded picture into an upright [`Yuv`] of a given size: BT.709, limited range, 4:2:0, progressive.
//!
//! Each step looks at one picture only, so the result is a function of the picture: of interlaced material one field is
//! kept (the one shown first) and the size comes from scaling. A deinterlacer over time would be sharper in still parts,
//! and would give another picture after a seek than in a row.

#![allow(clippy::many_single_char_names, reason = "the four numbers of a matrix")]

use ffmpeg_next::{
    color::{Primaries, Range, Space, TransferCharacteristic as Transfer},
    filter::{self, Graph},
    format::Pixel,
    frame,
};

use super::{Error, Light, Result, Size, open::failed};
use crate::{
    ffi,
    yuv::{Plane, Yuv},
};

/// How a stored picture is turned to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    /// Degrees clockwise: 0, 90, 180, 270; after mirroring left and right.
    pub(super) degrees: u16,
    pub(super) mirrored: bool,
}

impl Turn {
    /// From the display matrix of a stream: nine numbers of 32 bits, of which four turn.
    pub(super) fn of(matrix: &[u8]) -> Self {
        let at = |i: usize| {
            let four = matrix.get(i * 4..i * 4 + 4).and_then(|four| four.try_into().ok());
            four.map_or(0, i32::from_ne_bytes)
        };
        // Right goes to (a, b), down goes to (c, d).
        let (a, b, c, d) = (at(0), at(1), at(3), at(4));
        let turned = b.unsigned_abs() > a.unsigned_abs();
        let mirrored =
            i64::from(a) * i64::from(d) - i64::from(b) * i64::from(c) < 0 && (a, b) != (0, 0);
        // Mirrored first, right goes to the left: its image tells the turn all the same.
        let right = if mirrored { (-i64::from(a), -i64::from(b)) } else { (a.into(), b.into()) };
        let degrees = match (turned, right) {
            (false, (x, _)) if x < 0 => 180,
            (true, (_, y)) if y > 0 => 90,
            (true, _) => 270,
            (false, _) => 0,
        };
        Self { degrees, mirrored }
    }

    /// Whether width and height change places.
    pub(super) fn lies(self) -> bool {
        self.degrees == 90 || self.degrees == 270
    }

    fn filters(self) -> &'static str {
        match (self.degrees, self.mirrored) {
            (90, false) => ",transpose=clock",
            (180, false) => ",hflip,vflip",
            (270, false) => ",transpose=cclock",
            (90, true) => ",hflip,transpose=clock",
            (180, true) => ",vflip",
            (270, true) => ",hflip,transpose=cclock",
            (_, true) => ",hflip",
            (_, false) => "",
        }
    }
}

/// Everything of a decoded picture that decides how it is converted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Look {
    pub(super) format: Pixel,
    pub(super) coded: Size,
    pub(super) space: Space,
    primaries: Primaries,
    transfer: Transfer,
    pub(super) full_range: bool,
    /// The field that is shown first, of a picture that has two.
    pub(super) field: Option<&'static str>,
}

impl Look {
    pub(super) fn of(picture: &frame::Video) -> Self {
        let format = picture.format();
        let (width, height) = (picture.width(), picture.height());
        let rgb = is_rgb(format);
        let space = match picture.color_space() {
            _ if rgb => Space::RGB,
            // Nobody said: what players assume by size.
            Space::Unspecified | Space::Reserved | Space::RGB if width < 1280 && height <= 576 => {
                Space::SMPTE170M
            }
            Space::Unspecified | Space::Reserved | Space::RGB => Space::BT709,
            said => said,
        };
        let old_full = matches!(format, Pixel::YUVJ420P | Pixel::YUVJ422P | Pixel::YUVJ444P);
        let full_range = rgb || old_full || picture.color_range() == Range::JPEG;
        let field =
            picture.is_interlaced().then(|| if picture.is_top_first() { "top" } else { "bottom" });
        Self {
            format,
            coded: Size { width, height },
            space,
            primaries: picture.color_primaries(),
            transfer: picture.color_transfer_characteristic(),
            full_range,
            // A field of fewer than two rows is none.
            field: field.filter(|_| height >= 4),
        }
    }

    pub(super) fn light(self) -> Light {
        match self.transfer {
            Transfer::SMPTE2084 => Light::Pq,
            Transfer::ARIB_STD_B67 => Light::Hlg,
            _ => Light::Sdr,
        }
    }

    /// Whether its colours are wider than those of BT.709.
    fn wide(self) -> bool {
        matches!(self.space, Space::BT2020NCL | Space::BT2020CL)
            || self.primaries == Primaries::BT2020
    }

    fn matrix(self) -> Option<&'static str> {
        match self.space {
            Space::RGB => None,
            Space::SMPTE170M | Space::BT470BG => Some("smpte170m"),
            Space::FCC => Some("fcc"),
            Space::SMPTE240M => Some("smpte240m"),
            Space::BT2020NCL | Space::BT2020CL => Some("bt2020"),
            _ => Some("bt709"),
        }
    }

    /// The chain of filters for this size.
    fn chain(self, size: Size, turn: Turn) -> Result<String> {
        let Size { width, height } =
            if turn.lies() { Size { width: size.height, height: size.width } } else { size };
        let rows = if self.field.is_some() { self.coded.height / 2 } else { self.coded.height };
        // Much smaller: the mean of what falls on a pixel. Otherwise: the curve that keeps edges.
        let kernel =
            if self.coded.width >= 2 * width && rows >= 2 * height { "area" } else { "bicubic" };
        let field = self.field.map(|field| format!("field=type={field},")).unwrap_or_default();
        let from = self.matrix().map(|m| format!(":in_color_matrix={m}")).unwrap_or_default();
        let range = match (self.space, self.full_range) {
            (Space::RGB, _) => "",
            (_, true) => ":in_range=pc",
            (_, false) => ":in_range=tv",
        };
        let scale = format!(
            "{field}scale=w={width}:h={height}:flags={kernel}+accurate_rnd+full_chroma_int{from}{range}:out_range=tv"
        );
        let missing = |name: &str| {
            Error::Refused(format!(
                "its colours need the filter {name}, which this machine's ffmpeg lacks; send an ordinary BT.709 version"
            ))
        };
        let need = |name: &str| filter::find(name).map(drop).ok_or_else(|| missing(name));
        let turned = turn.filters();
        match self.light() {
            Light::Sdr if self.wide() => {
                need("zscale")?;
                // The matrix may be another one than the primaries: the scaler brings it to that of BT.2020.
                Ok(format!(
                    "{scale}:out_color_matrix=bt2020,format=yuv420p10,\
                     zscale=min=2020_ncl:pin=2020:tin=709:rin=limited:m=709:p=709:t=709:r=limited,\
                     format=yuv420p{turned}"
                ))
            }
            Light::Sdr => Ok(format!("{scale}:out_color_matrix=bt709,format=yuv420p{turned}")),
            light => {
                need("zscale")?;
                need("tonemap")?;
                let transfer = if light == Light::Pq { "smpte2084" } else { "arib-std-b67" };
                // 100 cd/m² is white of BT.709; what is up to ten times brighter keeps its drawing. The peak is given,
                // so that the picture does not depend on what the file says about others.
                Ok(format!(
                    "{scale}:out_color_matrix=bt2020,format=yuv444p10,\
                     zscale=min=2020_ncl:pin=2020:tin={transfer}:rin=limited:t=linear:npl=100,format=gbrpf32le,\
                     zscale=p=709,tonemap=tonemap=hable:desat=0:peak=10,\
                     zscale=t=709:m=709:r=limited,format=yuv420p{turned}"
                ))
            }
        }
    }
}

fn is_rgb(format: Pixel) -> bool {
    let name = format.descriptor().map_or("", ffmpeg_next::format::pixel::Descriptor::name);
    ["rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "pal8"]
        .iter()
        .any(|start| name.starts_with(start))
}

/// Converts pictures; keeps its filters while pictures are alike.
pub(super) struct Converter {
    turn: Turn,
    made: Option<(Look, Size, Graph)>,
    picture: frame::Video,
}

impl Converter {
    pub(super) fn new(turn: Turn) -> Self {
        Self { turn, made: None, picture: frame::Video::empty() }
    }

    /// The picture in this (even) size.
    pub(super) fn convert(&mut self, picture: &frame::Video, size: Size) -> Result<Yuv> {
        let look = Look::of(picture);
        if self.made.as_ref().is_none_or(|(of, to, _)| (*of, *to) != (look, size)) {
            self.made = Some((look, size, graph(look, size, self.turn)?));
        }
        let Some((_, _, graph)) = &mut self.made else { unreachable!("it was just made") };
        let mut source = graph.get("in").expect("the graph was made with it");
        ffi::feed(&mut source, picture).map_err(failed("convert"))?;
        let mut sink = graph.get("out").expect("the graph was made with it");
        sink.sink().frame(&mut self.picture).map_err(failed("convert"))?;
        let out = &self.picture;
        let (width, height) = (size.width as usize, size.height as usize);
        if out.format() != Pixel::YUV420P
            || (out.width(), out.height()) != (size.width, size.height)
        {
            let reason = format!("{:?} of {} × {}", out.format(), out.width(), out.height());
            return Err(Error::Library { what: "convert", reason });
        }
        let plane = |i: usize, width: usize, height: usize| {
            let mut plane = Plane::new(width, height);
            let rows = out.data(i).chunks(out.stride(i));
            for (to, from) in plane.data.chunks_exact_mut(plane.stride).zip(rows).take(height) {
                to[..width].copy_from_slice(&from[..width]);
            }
            plane.pad();
            plane
        };
        let (half_w, half_h) = (width / 2, height / 2);
        Ok(Yuv {
            planes: [plane(0, width, height), plane(1, half_w, half_h), plane(2, half_w, half_h)],
        })
    }
}

fn graph(look: Look, size: Size, turn: Turn) -> Result<Graph> {
    let name = look.format.descriptor().map(ffmpeg_next::format::pixel::Descriptor::name);
    let name = name.ok_or_else(|| Error::Refused("its pixels have no known layout".into()))?;
    let Size { width, height } = look.coded;
    let missing = |what: &'static str| move || Error::Library { what, reason: "missing".into() };
    let mut graph = Graph::new();
    let source = filter::find("buffer").ok_or_else(missing("filter buffer"))?;
    let sink = filter::find("buffersink").ok_or_else(missing("filter buffersink"))?;
    let args =
        format!("video_size={width}x{height}:pix_fmt={name}:time_base=1/1000:pixel_aspect=1/1");
    graph.add(&source, "in", &args).map_err(failed("filters"))?;
    graph.add(&sink, "out", "").map_err(failed("filters"))?;
    let chain = look.chain(size, turn)?;
    let parser = graph.output("in", 0).and_then(|parser| parser.input("out", 0));
    parser.and_then(|parser| parser.parse(&chain)).map_err(failed("filters"))?;
    graph.validate().map_err(failed("filters"))?;
    Ok(graph)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_display_matrix_tells_all_eight_ways_to_lie() {
        const ONE: i32 = 1 << 16;
        for (matrix, degrees, mirrored) in [
            ([ONE, 0, 0, ONE], 0, false),
            ([0, ONE, -ONE, 0], 90, false),
            ([-ONE, 0, 0, -ONE], 180, false),
            ([0, -ONE, ONE, 0], 270, false),
            ([-ONE, 0, 0, ONE], 0, true),
            ([ONE, 0, 0, -ONE], 180, true),
            ([0, -ONE, -ONE, 0], 90, true),
            ([0, ONE, ONE, 0], 270, true),
            ([0, 0, 0, 0], 0, false),
        ] {
            let [a, b, c, d] = matrix;
            let bytes: Vec<u8> = [a, b, 0, c, d, 0, 0, 0, 1 << 30]
                .iter()
                .flat_map(|n: &i32| n.to_ne_bytes())
                .collect();
            assert_eq!(Turn::of(&bytes), Turn { degrees, mirrored }, "{matrix:?}");
        }
        assert_eq!(Turn::of(&[]), Turn { degrees: 0, mirrored: false });
    }
}
