//! Random passwords, as `GetRandomPassword` and a template's `GenerateSecretString` make them.

use crate::{
    random,
    wire::{Answer, Refusal, Request},
};
use serde::Deserialize;
use serde_json::json;

const LOWERCASE: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPERCASE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const NUMBERS: &str = "0123456789";
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

#[expect(clippy::struct_excessive_bools, reason = "so the request is made")]
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Rules {
    password_length: usize,
    exclude_characters: String,
    exclude_lowercase: bool,
    exclude_numbers: bool,
    exclude_punctuation: bool,
    exclude_uppercase: bool,
    include_space: bool,
    require_each_included_type: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            password_length: 32,
            exclude_characters: String::new(),
            exclude_lowercase: false,
            exclude_numbers: false,
            exclude_punctuation: false,
            exclude_uppercase: false,
            include_space: false,
            require_each_included_type: true,
        }
    }
}

pub(super) fn answer(request: &Request) -> Result<Answer, Refusal> {
    let rules: Rules = request.parse()?;
    Answer::of(&json!({ "RandomPassword": rules.password()? }))
}

impl Rules {
    fn password(&self) -> Result<String, Refusal> {
        let types = self.types();
        let all = types.concat();
        let required = if self.require_each_included_type { types.len() } else { 0 };
        if all.is_empty() || !(required.max(1)..=4096).contains(&self.password_length) {
            let message = "The password length must be between 1 and 4096 and hold each included type of characters.";
            return Err(Refusal::new("InvalidParameterException", message));
        }
        // Drawn anew until each type is in it: none of them takes a fixed place.
        loop {
            let password: String = (0..self.password_length).map(|_| all[below(all.len())]).collect();
            if required == 0 || types.iter().all(|of_type| password.contains(of_type.as_slice())) {
                return Ok(password);
            }
        }
    }

    fn types(&self) -> Vec<Vec<char>> {
        let included = [
            (!self.exclude_lowercase, LOWERCASE),
            (!self.exclude_uppercase, UPPERCASE),
            (!self.exclude_numbers, NUMBERS),
            (!self.exclude_punctuation, PUNCTUATION),
            (self.include_space, " "),
        ];
        let left = |of_type: &str| of_type.chars().filter(|c| !self.exclude_characters.contains(*c)).collect();
        let types = included.into_iter().filter(|(included, _)| *included).map(|(_, of_type)| left(of_type));
        types.filter(|of_type: &Vec<char>| !of_type.is_empty()).collect()
    }
}

/// A random number below a small limit, each as likely as the next.
fn below(limit: usize) -> usize {
    loop {
        let [byte] = random::bytes::<1>();
        let byte = usize::from(byte);
        if byte < 256 - 256 % limit {
            return byte % limit;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_each_included_type_and_nothing_else() {
        let rules =
            Rules { password_length: 5, include_space: true, exclude_characters: "lI1O0".into(), ..Rules::default() };
        for _ in 0..50 {
            let password = rules.password().unwrap();

            assert_eq!(password.len(), 5);
            assert!(rules.types().iter().all(|of_type| password.contains(of_type.as_slice())), "{password}");
            assert!(!password.contains(['l', 'I', '1', 'O', '0']), "{password}");
        }
    }

    #[test]
    fn a_password_that_cannot_be_is_refused() {
        assert!(Rules { password_length: 3, ..Rules::default() }.password().is_err());
        assert!(Rules { password_length: 4097, ..Rules::default() }.password().is_err());
    }
}
