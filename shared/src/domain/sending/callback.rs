//! What Meta gives back with every status of a message: which message it is, proved to be ours.
//!
//! The proof is over tenant, number, message, attempt and recipient: copied to another of them it is worth nothing.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::domain::{
    conversation::{Alias, MessageId, phone_variants},
    hex,
    keyring::{Keyring, Kid, Purpose},
    meta_id::PhoneNumberId,
    tenant::TenantId,
};

/// As it travels. Whether it is true is another question: see [`Callback::proves`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    pub message: MessageId,
    pub attempt: u32,
    kid: Kid,
    mac: [u8; MAC],
}

/// Half of a SHA-256 is enough for what is tried over the network.
const MAC: usize = 16;
const VERSION: &str = "pb1";

/// Whom a message is from and to.
#[derive(Debug, Clone, Copy)]
pub struct Between<'a> {
    pub tenant: &'a TenantId,
    pub number: &'a PhoneNumberId,
    pub recipient: &'a Alias,
}

#[derive(Debug, PartialEq, Eq)]
pub struct NotOurs;

impl Callback {
    pub fn new(keys: &Keyring, between: Between<'_>, message: MessageId, attempt: u32) -> Self {
        let code = keys.code(Purpose::Callback, &said(between, message, attempt));
        let mut mac = [0; MAC];
        mac.copy_from_slice(&code.code[..MAC]);
        Self { message, attempt, kid: code.kid, mac }
    }

    /// Whether it was made for this message between these two.
    pub fn proves(&self, keys: &Keyring, between: Between<'_>) -> bool {
        keys.verifies_start(Purpose::Callback, &said(between, self.message, self.attempt), self.kid, &self.mac)
    }
}

fn said(Between { tenant, number, recipient }: Between<'_>, message: MessageId, attempt: u32) -> Vec<u8> {
    let recipient = match recipient {
        // However a country writes it, it is one phone.
        Alias::Phone(digits) => Alias::Phone(phone_variants(digits).into_iter().min().unwrap_or_default()).key(),
        other => other.key(),
    };
    // None of the parts has a zero byte in it.
    format!("{tenant}\0{number}\0{message}\0{attempt}\0{recipient}").into_bytes()
}

impl fmt::Display for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kid, mac) = (hex::encode(&self.kid), BASE64_URL_SAFE_NO_PAD.encode(self.mac));
        write!(f, "{VERSION}.{kid}.{}.{}.{mac}", self.message, self.attempt)
    }
}

impl FromStr for Callback {
    type Err = NotOurs;

    fn from_str(text: &str) -> Result<Self, NotOurs> {
        let [VERSION, kid, message, attempt, mac] = text.split('.').collect::<Vec<_>>()[..] else {
            return Err(NotOurs);
        };
        Ok(Self {
            message: message.parse().map_err(|_| NotOurs)?,
            attempt: attempt.parse().map_err(|_| NotOurs)?,
            kid: hex::decode(kid).ok_or(NotOurs)?,
            mac: BASE64_URL_SAFE_NO_PAD.decode(mac).ok().and_then(|mac| mac.try_into().ok()).ok_or(NotOurs)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::conversation::ConversationId;

    #[test]
    fn it_is_worth_nothing_for_another_tenant_number_message_attempt_or_recipient() {
        let keys = Keyring::new(b"one", None);
        let message = |byte| MessageId::of_ours(ConversationId::new([byte; 16]), Timestamp::UNIX_EPOCH, [1; 10]);
        let (tenant, number): (TenantId, PhoneNumberId) = ("t1".parse().unwrap(), "1".parse().unwrap());
        let recipient = Alias::Phone("5511987654321".into());
        let between = Between { tenant: &tenant, number: &number, recipient: &recipient };
        let made = Callback::new(&keys, between, message(7), 2);
        let read: Callback = made.to_string().parse().unwrap();

        assert!(made.to_string().len() <= 512 && read == made && read.proves(&keys, between));
        let (other_tenant, other_number) = ("t2".parse().unwrap(), "2".parse().unwrap());
        let (spelling, stranger) = (Alias::Phone("551187654321".into()), Alias::Phone("4915112345678".into()));
        assert!(read.proves(&keys, Between { recipient: &spelling, ..between }), "the same phone, written otherwise");
        assert!(!read.proves(&keys, Between { tenant: &other_tenant, ..between }));
        assert!(!read.proves(&keys, Between { number: &other_number, ..between }));
        assert!(!read.proves(&keys, Between { recipient: &stranger, ..between }));
        assert!(!Callback { message: message(8), ..read.clone() }.proves(&keys, between));
        assert!(!Callback { attempt: 3, ..read.clone() }.proves(&keys, between));
        assert!(read.proves(&Keyring::new(b"two", Some(b"one")), between), "after one rotation");
        assert!(!read.proves(&Keyring::new(b"three", Some(b"two")), between));
    }

    #[test]
    fn what_others_say_is_not_taken_for_it() {
        for text in ["", "pb1", "pb1....", "pb2.00000000.x.1.y", "order-42", "pb1.00000000.msg_.1.AAAA"] {
            assert_eq!(text.parse::<Callback>(), Err(NotOurs), "{text}");
        }
    }
}
