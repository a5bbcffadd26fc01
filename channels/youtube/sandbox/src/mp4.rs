//! The few facts of an MP4 that decide whether it is a Short: duration and picture size.

/// Duration in milliseconds and picture size of the first track that has one; nothing when it is no MP4 with an index.
pub(crate) fn facts(bytes: &[u8]) -> Option<(u64, u32, u32)> {
    let moov = child(bytes, *b"moov")?;
    let header = child(moov, *b"mvhd")?;
    let version = *header.first()?;
    let (scale, duration) = if version == 1 {
        (u64::from(u32_at(header, 20)?), u64_at(header, 24)?)
    } else {
        (u64::from(u32_at(header, 12)?), u64::from(u32_at(header, 16)?))
    };
    let mut rest = moov;
    let mut size = (0, 0);
    while let Some((kind, body, next)) = next_box(rest) {
        if kind == *b"trak"
            && size == (0, 0)
            && let Some(track) = child(body, *b"tkhd")
        {
            let end = track.len();
            size = (
                u32_at(track, end.checked_sub(8)?)? >> 16,
                u32_at(track, end.checked_sub(4)?)? >> 16,
            );
        }
        rest = next;
    }
    (scale > 0).then(|| (duration * 1000 / scale, size.0, size.1))
}

fn child(bytes: &[u8], wanted: [u8; 4]) -> Option<&[u8]> {
    let mut rest = bytes;
    while let Some((kind, body, next)) = next_box(rest) {
        if kind == wanted {
            return Some(body);
        }
        rest = next;
    }
    None
}

fn next_box(bytes: &[u8]) -> Option<([u8; 4], &[u8], &[u8])> {
    let short = u32_at(bytes, 0)? as usize;
    let kind: [u8; 4] = bytes.get(4..8)?.try_into().ok()?;
    let (head, size) = match short {
        0 => (8, bytes.len()),
        1 => (16, usize::try_from(u64_at(bytes, 8)?).ok()?),
        size => (8, size),
    };
    Some((kind, bytes.get(head..size)?, bytes.get(size..)?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::facts;

    /// The smallest MP4 with an index: `ms` long, `width` × `height`.
    pub(crate) fn tiny(ms: u32, width: u32, height: u32) -> Vec<u8> {
        let boxed = |kind: &[u8; 4], body: Vec<u8>| {
            let mut out = u32::try_from(body.len() + 8).unwrap().to_be_bytes().to_vec();
            out.extend(kind);
            out.extend(body);
            out
        };
        let mut header = vec![0; 12];
        header.extend(1000u32.to_be_bytes());
        header.extend(ms.to_be_bytes());
        header.extend(vec![0; 80]);
        let mut track = vec![0; 76];
        track.extend((width << 16).to_be_bytes());
        track.extend((height << 16).to_be_bytes());
        let tracks = boxed(b"trak", boxed(b"tkhd", track));
        let moov = [boxed(b"mvhd", header), tracks].concat();
        [boxed(b"ftyp", b"isom0000".to_vec()), boxed(b"moov", moov), boxed(b"mdat", vec![7; 32])]
            .concat()
    }

    #[test]
    fn reads_duration_and_size_and_survives_anything_else() {
        assert_eq!(facts(&tiny(25_500, 1080, 1920)), Some((25_500, 1080, 1920)));
        assert_eq!(facts(b"khong phai mp4"), None);
        let whole = tiny(1000, 10, 20);
        for cut in 0..whole.len() {
            facts(&whole[..cut]);
        }
    }
}
