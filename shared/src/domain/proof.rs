//! Short proofs that something is ours: a MAC under a key derived from the stack secret, in an alphabet for URLs. They are
//! derived anew whenever they are shown, and stored nowhere.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::{
    connection_id::ConnectionId,
    keyring::{Keyring, Purpose},
};

const KID: usize = 4;
/// 128 bits: to be guessed online, with a limit to the requests.
const MAC: usize = 16;
/// What a connection's id is made of, as text, without its prefix.
const CONNECTION: usize = 32;

/// A proof over `parts` for one purpose.
pub fn prove(keys: &Keyring, purpose: Purpose, parts: &[&str]) -> String {
    let code = keys.code(purpose, &joined(parts));
    BASE64_URL_SAFE_NO_PAD.encode([&code.kid[..], &code.code[..MAC]].concat())
}

/// Whether `proof` was made over these parts, under a generation that still counts.
pub fn is_proved(keys: &Keyring, purpose: Purpose, parts: &[&str], proof: &str) -> bool {
    let Ok(bytes) = BASE64_URL_SAFE_NO_PAD.decode(proof) else { return false };
    let (Some((kid, mac)), true) = (bytes.split_first_chunk::<KID>(), bytes.len() == KID + MAC) else { return false };
    keys.verifies_start(purpose, &joined(parts), *kid, mac)
}

/// The last part of a start URL.
pub fn ticket(keys: &Keyring, connection: &ConnectionId) -> String {
    let id = connection.as_str();
    format!("{}{}", &id[id.len() - CONNECTION..], prove(keys, Purpose::Ticket, &[id]))
}

/// The connection a ticket is for. None: it is not one of ours.
pub fn admitted(keys: &Keyring, ticket: &str) -> Option<ConnectionId> {
    let (id, proof) = ticket.split_at_checked(CONNECTION)?;
    let id: ConnectionId = format!("con_{id}").parse().ok()?;
    is_proved(keys, Purpose::Ticket, &[id.as_str()], proof).then_some(id)
}

/// The length before each part: two lists are never one text.
fn joined(parts: &[&str]) -> Vec<u8> {
    parts.iter().fold(String::new(), |all, part| all + &part.len().to_string() + ":" + part).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_admits_to_its_connection_alone() {
        let keys = Keyring::new(b"secret", None);
        let id = ConnectionId::new(&"acme".parse().unwrap(), [7; 16]);
        let ticket = ticket(&keys, &id);

        assert_eq!(admitted(&keys, &ticket), Some(id.clone()));
        let other = ConnectionId::new(&"acme".parse().unwrap(), [8; 16]);
        let forged = format!("{}{}", &other.as_str()[4..], &ticket[CONNECTION..]);
        for wrong in [forged.as_str(), "", "x", &ticket[..ticket.len() - 1], &format!("{ticket}A"), "é"] {
            assert_eq!(admitted(&keys, wrong), None, "{wrong}");
        }
        assert_eq!(admitted(&Keyring::new(b"another", None), &ticket), None);
        assert_eq!(admitted(&Keyring::new(b"next", Some(b"secret")), &ticket), Some(id));
    }

    #[test]
    fn a_proof_counts_for_its_purpose_and_its_parts() {
        let keys = Keyring::new(b"secret", None);
        let proof = prove(&keys, Purpose::Form, &["ab", "c"]);

        assert!(is_proved(&keys, Purpose::Form, &["ab", "c"], &proof));
        assert!(!is_proved(&keys, Purpose::Page, &["ab", "c"], &proof));
        assert!(!is_proved(&keys, Purpose::Form, &["a", "bc"], &proof));
    }
}
