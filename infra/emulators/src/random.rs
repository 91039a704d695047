//! The one place where the emulators draw randomness.

/// So many random bytes.
#[expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "an emulator, on a machine that has a random source"
)]
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system's random source");
    bytes
}

/// A random UUID, as AWS names messages and keys.
pub(crate) fn uuid() -> String {
    let bits = u128::from_be_bytes(bytes()) & !(0xF000 << 64 | 0xC << 60) | (0x4000 << 64) | (0x8 << 60);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_uuid_says_its_version_and_variant() {
        let uuid = super::uuid();

        assert_eq!(uuid.len(), 36);
        assert_eq!(uuid.as_bytes()[14], b'4', "{uuid}");
        assert!(matches!(uuid.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{uuid}");
    }
}
