//! Randomness of the local stack: request ids and generated secrets.

use std::fmt::Write;

/// A random (version 4) UUID.
pub(crate) fn uuid() -> String {
    let mut bytes: [u8; 16] = bytes();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if [4, 6, 8, 10].contains(&index) {
            text.push('-');
        }
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// An even choice below `bound`, which is at most 256.
pub(crate) fn below(bound: usize) -> usize {
    // Bytes past the last whole multiple would favour the small numbers.
    let limit = 256 - 256 % bound;
    loop {
        let [byte] = bytes();
        if usize::from(byte) < limit {
            return usize::from(byte) % bound;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the local stack is where randomness comes from")]
#[expect(clippy::expect_used, reason = "a machine without randomness cannot run the stack")]
fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
