//! To whom: a phone number, or the id a person has with this business.

use super::Envelope;
use crate::graph::GraphError;
use crate::people;
use crate::world::{Number, Waba, World};

#[derive(Debug)]
pub(super) struct Recipient {
    /// As it was given.
    pub(super) input: String,
    /// Their `wa_id`, where the message went to a number.
    pub(super) phone: Option<String>,
    /// Where they are known already.
    pub(super) user_id: Option<String>,
}

impl Recipient {
    /// `to` wins over `recipient`.
    pub(super) fn find(world: &World, number: &Number, waba: &Waba, envelope: &Envelope) -> Result<Self, GraphError> {
        match (&envelope.to, &envelope.recipient) {
            (Some(to), _) => by_phone(world, number, waba, to),
            (None, Some(user_id)) => by_user_id(world, waba, user_id),
            (None, None) => Err(GraphError::missing("to")),
        }
    }

    pub(super) fn is_by_user_id(&self) -> bool {
        self.phone.is_none()
    }
}

fn by_phone(world: &World, number: &Number, waba: &Waba, to: &str) -> Result<Recipient, GraphError> {
    let Some(digits) = digits(to) else {
        let details = "The phone number is malformed: Please use the format: +1234567890.";
        return Err(GraphError::of(131009).details(details));
    };
    let phone = wa_id(&if to.starts_with('+') { digits } else { with_calling_code(&digits, number) });
    if phone == number.phone {
        return Err(GraphError::of(131021).details("Recipient cannot be the sender."));
    }
    let user_id = world.phones.get(&people::phone_key(&waba.business_id, &phone)).cloned();
    Ok(Recipient { input: to.to_owned(), phone: Some(phone), user_id })
}

fn by_user_id(world: &World, waba: &Waba, user_id: &str) -> Result<Recipient, GraphError> {
    if !is_user_id(user_id) {
        let details = "Param recipient must be a business-scoped user ID like US.13491208655302741918.";
        return Err(GraphError::of(131009).details(details));
    }
    let known = world.people.get(user_id).filter(|person| person.business_id == waba.business_id);
    let known = known.ok_or_else(|| {
        GraphError::of(131026).details("The business-scoped user ID is not known to this business portfolio.")
    })?;
    Ok(Recipient { input: user_id.to_owned(), phone: None, user_id: Some(known.user_id.clone()) })
}

/// The digits of a phone number, written as people write them.
pub(crate) fn digits(phone: &str) -> Option<String> {
    let is_noise = |letter: char| matches!(letter, '+' | '-' | ' ' | '(' | ')' | '.');
    let digits: String = phone.chars().filter(|letter| !is_noise(*letter)).collect();
    let is_number = (5..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(digits)
}

/// Without `+` Meta takes a number for one of the business's own country, unless it already begins as those do.
fn with_calling_code(digits: &str, number: &Number) -> String {
    let code: String = number.display_phone_number.chars().skip(1).take_while(char::is_ascii_digit).collect();
    if digits.starts_with(&code) { digits.to_owned() } else { format!("{code}{digits}") }
}

/// What WhatsApp makes of a number: some countries' numbers have two forms, and one of them is the account's.
fn wa_id(digits: &str) -> String {
    let mexican = digits.strip_prefix("52").filter(|rest| rest.len() == 10);
    let argentine = digits.strip_prefix("54").filter(|rest| rest.len() == 10);
    let brazilian = digits.strip_prefix("55").filter(|rest| rest.len() == 11 && rest.as_bytes()[2] == b'9');
    match (mexican, argentine, brazilian) {
        (Some(rest), ..) => format!("521{rest}"),
        (_, Some(rest), _) => format!("549{rest}"),
        // Area codes up to 28 kept the ninth digit.
        (_, _, Some(rest)) if &rest[..2] > "28" => format!("55{}{}", &rest[..2], &rest[3..]),
        _ => digits.to_owned(),
    }
}

/// `CC.` and up to 128 letters and digits; `CC.ENT.` for linked portfolios.
fn is_user_id(text: &str) -> bool {
    let Some((country, rest)) = text.split_once('.') else { return false };
    let id = rest.strip_prefix("ENT.").unwrap_or(rest);
    country.len() == 2
        && country.bytes().all(|byte| byte.is_ascii_uppercase())
        && (1..=128).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_the_form_its_country_has_on_whatsapp() {
        let cases = [
            ("15557770001", "15557770001"),
            ("525512345678", "5215512345678"),
            ("5215512345678", "5215512345678"),
            ("541123456789", "5491123456789"),
            ("5531987654321", "553187654321"),
            ("5511987654321", "5511987654321"),
            ("4915550100009", "4915550100009"),
        ];

        for (digits, expected) in cases {
            assert_eq!(wa_id(digits), expected);
        }
    }

    #[test]
    fn a_user_id_has_a_country_and_letters_or_digits() {
        for good in ["US.13491208655302741918", "DE.ENT.abc9"] {
            assert!(is_user_id(good), "{good}");
        }
        for bad in ["US", "US.", "us.1", "USA.1", "US.1 2", "US.ENT.", "15557770001"] {
            assert!(!is_user_id(bad), "{bad}");
        }
    }
}
