//! One emoji, as far as it can be told without Unicode's tables: the blocks emoji are in, and how they combine.

const JOINER: char = '\u{200d}';
const KEYCAP: char = '\u{20e3}';

pub(super) fn is_one_emoji(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    match letters.as_slice() {
        [one, two] if is_flag_letter(*one) && is_flag_letter(*two) => true,
        [key, rest @ ..] if is_key(*key) => matches!(rest, [KEYCAP] | ['\u{fe0f}', KEYCAP]),
        letters => letters.split(|letter| *letter == JOINER).all(is_joinable),
    }
}

/// A pictograph and what changes its look: style, skin, the tags of a flag.
fn is_joinable(letters: &[char]) -> bool {
    let Some((pictograph, looks)) = letters.split_first() else { return false };
    is_pictograph(*pictograph) && looks.iter().all(|letter| is_look(*letter))
}

fn is_look(letter: char) -> bool {
    matches!(letter, '\u{fe0e}' | '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}')
}

fn is_pictograph(letter: char) -> bool {
    matches!(letter,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
        | '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{23ff}' | '\u{24c2}' | '\u{25a0}'..='\u{27bf}'
        | '\u{2900}'..='\u{297f}' | '\u{2b00}'..='\u{2bff}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}'
        | '\u{1f000}'..='\u{1f1e5}' | '\u{1f200}'..='\u{1ffff}')
}

fn is_flag_letter(letter: char) -> bool {
    matches!(letter, '\u{1f1e6}'..='\u{1f1ff}')
}

fn is_key(letter: char) -> bool {
    letter.is_ascii_digit() || matches!(letter, '#' | '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_emoji_is_one_however_it_is_made() {
        for one in ["😀", "❤️", "❤", "👍🏽", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "1️⃣", "#⃣", "ℹ️", "Ⓜ️", "🅰️", "㊗️", "©️", "🤷🏿‍♀️", "❤️‍🔥"]
        {
            assert!(is_one_emoji(one), "{one}");
        }
        for other in ["😀😀", "a", "1", "👍a", " 😀", "😀 ", "ok", "🇩", "🇩🇪🇫🇷", "😀‍", "‍", "-", "é", "你", "\u{fe0f}"]
        {
            assert!(!is_one_emoji(other), "{other}");
        }
    }
}
