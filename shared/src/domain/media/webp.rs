//! A WebP's size and whether it moves, from its first chunk: <https://developers.google.com/speed/webp/docs/riff_container>.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Webp {
    pub width: u32,
    pub height: u32,
    pub is_animated: bool,
}

/// None: it is no WebP, or says no size.
pub(super) fn webp(bytes: &[u8]) -> Option<Webp> {
    let chunk = bytes.strip_prefix(b"RIFF")?.get(4..)?.strip_prefix(b"WEBP")?;
    let (kind, data) = (chunk.get(..4)?, chunk.get(8..)?);
    match kind {
        b"VP8X" => extended(data),
        b"VP8L" => lossless(data),
        b"VP8 " => lossy(data),
        _ => None,
    }
}

fn extended(data: &[u8]) -> Option<Webp> {
    const ANIMATION: u8 = 0b10;
    let less_one = |at: usize| Some(u32::from_le_bytes([*data.get(at)?, *data.get(at + 1)?, *data.get(at + 2)?, 0]));
    Some(Webp { width: less_one(4)? + 1, height: less_one(7)? + 1, is_animated: data[0] & ANIMATION != 0 })
}

/// Fourteen bits each, behind the signature.
fn lossless(data: &[u8]) -> Option<Webp> {
    let bits = data.strip_prefix(b"\x2F")?.get(..4)?;
    let bits = u32::from_le_bytes([bits[0], bits[1], bits[2], bits[3]]);
    Some(Webp { width: (bits & 0x3FFF) + 1, height: ((bits >> 14) & 0x3FFF) + 1, is_animated: false })
}

/// Fourteen bits each, behind a key frame's start code.
fn lossy(data: &[u8]) -> Option<Webp> {
    let sides = data.get(3..)?.strip_prefix(b"\x9D\x01\x2A")?.get(..4)?;
    let length = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]) & 0x3FFF);
    Some(Webp { width: length(sides[0], sides[1]), height: length(sides[2], sides[3]), is_animated: false })
}
