//! Encrypt, Decrypt, `ReEncrypt` and data keys.

use super::{State, crypto::Context, invalid, key::Key};
use crate::{
    random,
    wire::{Answer, Refusal, Request},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Encrypt {
    key_id: String,
    plaintext: String,
    #[serde(default)]
    encryption_context: Context,
    encryption_algorithm: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Decrypt {
    ciphertext_blob: String,
    key_id: Option<String>,
    #[serde(default)]
    encryption_context: Context,
    encryption_algorithm: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReEncrypt {
    ciphertext_blob: String,
    source_key_id: Option<String>,
    #[serde(default)]
    source_encryption_context: Context,
    source_encryption_algorithm: Option<String>,
    destination_key_id: String,
    #[serde(default)]
    destination_encryption_context: Context,
    destination_encryption_algorithm: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DataKey {
    key_id: String,
    key_spec: Option<String>,
    number_of_bytes: Option<usize>,
    #[serde(default)]
    encryption_context: Context,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Random {
    number_of_bytes: usize,
}

/// The longest plaintext KMS takes.
const MAX_PLAINTEXT: usize = 4096;
const ALGORITHM: &str = "SYMMETRIC_DEFAULT";

/// What stands before the sealed bytes: a version, the key's id, and which generation of it.
const VERSION: u8 = 1;
const HEADER: usize = 1 + 36 + 4;

/// A plaintext with the key that sealed it and which of its generations.
struct Opened<'a> {
    key: &'a Key,
    generation: &'a str,
    plaintext: Vec<u8>,
}

impl State {
    pub(super) fn encrypt(&self, request: &Request) -> Result<Answer, Refusal> {
        let Encrypt { key_id, plaintext, encryption_context, encryption_algorithm } = request.parse()?;
        check_algorithm(encryption_algorithm.as_deref())?;
        let plaintext = decoded("plaintext", &plaintext)?;
        if !(1..=MAX_PLAINTEXT).contains(&plaintext.len()) {
            return Err(invalid(format!(
                "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: \
                 Member must have length between 1 and {MAX_PLAINTEXT}"
            )));
        }
        let key = self.usable(&key_id)?;
        Answer::of(&json!({
            "CiphertextBlob": seal(key, &encryption_context, &plaintext)?,
            "EncryptionAlgorithm": ALGORITHM,
            "KeyId": key.arn(),
        }))
    }

    pub(super) fn decrypt(&self, request: &Request) -> Result<Answer, Refusal> {
        let Decrypt { ciphertext_blob, key_id, encryption_context, encryption_algorithm } = request.parse()?;
        check_algorithm(encryption_algorithm.as_deref())?;
        let opened = self.open(&ciphertext_blob, key_id.as_deref(), &encryption_context)?;
        Answer::of(&json!({
            "EncryptionAlgorithm": ALGORITHM,
            "KeyId": opened.key.arn(),
            "KeyMaterialId": opened.generation,
            "Plaintext": STANDARD.encode(&opened.plaintext),
        }))
    }

    pub(super) fn re_encrypt(&self, request: &Request) -> Result<Answer, Refusal> {
        let asked: ReEncrypt = request.parse()?;
        check_algorithm(asked.source_encryption_algorithm.as_deref())?;
        check_algorithm(asked.destination_encryption_algorithm.as_deref())?;
        let source =
            self.open(&asked.ciphertext_blob, asked.source_key_id.as_deref(), &asked.source_encryption_context)?;
        let destination = self.usable(&asked.destination_key_id)?;
        Answer::of(&json!({
            "CiphertextBlob": seal(destination, &asked.destination_encryption_context, &source.plaintext)?,
            "DestinationEncryptionAlgorithm": ALGORITHM,
            "DestinationKeyMaterialId": destination.generations.last().map(|generation| &generation.id),
            "KeyId": destination.arn(),
            "SourceEncryptionAlgorithm": ALGORITHM,
            "SourceKeyId": source.key.arn(),
            "SourceKeyMaterialId": source.generation,
        }))
    }

    pub(super) fn generate_data_key(&self, request: &Request) -> Result<Answer, Refusal> {
        let DataKey { key_id, key_spec, number_of_bytes, encryption_context } = request.parse()?;
        let length = match (key_spec.as_deref(), number_of_bytes) {
            (Some("AES_256"), None) => 32,
            (Some("AES_128"), None) => 16,
            (None, Some(length @ 1..=1024)) => length,
            _ => return Err(invalid("Please specify either number of bytes or key spec.")),
        };
        let key = self.usable(&key_id)?;
        let plaintext = &random::bytes::<1024>()[..length];
        let mut answer = json!({
            "CiphertextBlob": seal(key, &encryption_context, plaintext)?,
            "KeyId": key.arn(),
            "KeyMaterialId": key.generations.last().map(|generation| &generation.id),
        });
        if request.operation == "GenerateDataKey" {
            answer["Plaintext"] = STANDARD.encode(plaintext).into();
        }
        Answer::of(&answer)
    }

    /// Opens a ciphertext. What is wrong with it is never said in more detail than KMS says it.
    fn open(&self, blob: &str, wanted: Option<&str>, context: &Context) -> Result<Opened<'_>, Refusal> {
        let blob = decoded("ciphertextBlob", blob)?;
        let (header, sealed) = blob.split_at_checked(HEADER).ok_or_else(invalid_ciphertext)?;
        let (id, generation) = read_header(header).ok_or_else(invalid_ciphertext)?;
        let wanted = wanted.map(|wanted| self.usable(wanted)).transpose()?;
        if !self.keys.contains_key(id) {
            return Err(invalid_ciphertext());
        }
        if wanted.is_some_and(|wanted| wanted.id != id) {
            let message = "The key ID in the request does not identify a CMK that can perform this operation.";
            return Err(Refusal::new("IncorrectKeyException", message));
        }
        let key = self.usable(id)?;
        let generation = key.generations.get(generation).ok_or_else(invalid_ciphertext)?;
        let plaintext = generation.material.open(header, context, sealed).ok_or_else(invalid_ciphertext)?;
        Ok(Opened { key, generation: &generation.id, plaintext })
    }
}

/// The key a ciphertext says it was sealed by.
pub(super) fn key_id_in(blob: &str) -> Option<String> {
    let blob = STANDARD.decode(blob).ok()?;
    let (id, _) = read_header(blob.get(..HEADER)?)?;
    Some(id.to_owned())
}

pub(super) fn generate_random(request: &Request) -> Result<Answer, Refusal> {
    let Random { number_of_bytes } = request.parse()?;
    if !(1..=1024).contains(&number_of_bytes) {
        return Err(invalid("NumberOfBytes must be between 1 and 1024"));
    }
    Answer::of(&json!({ "Plaintext": STANDARD.encode(&random::bytes::<1024>()[..number_of_bytes]) }))
}

fn seal(key: &Key, context: &Context, plaintext: &[u8]) -> Result<String, Refusal> {
    let broken = || Refusal { status: 500, ..Refusal::new("KMSInternalException", "the key's material is damaged") };
    let generation = key.generations.len() - 1;
    let mut blob = vec![VERSION];
    blob.extend(key.id.as_bytes());
    blob.extend(u32::try_from(generation).map_err(|_| broken())?.to_be_bytes());
    let sealed = key.generations[generation].material.seal(&blob, context, plaintext).ok_or_else(broken)?;
    blob.extend(sealed);
    Ok(STANDARD.encode(blob))
}

fn read_header(header: &[u8]) -> Option<(&str, usize)> {
    let (version, rest) = header.split_first()?;
    let (id, generation) = rest.split_at_checked(36)?;
    let generation = u32::from_be_bytes(generation.try_into().ok()?);
    (*version == VERSION).then_some((std::str::from_utf8(id).ok()?, usize::try_from(generation).ok()?))
}

fn check_algorithm(algorithm: Option<&str>) -> Result<(), Refusal> {
    match algorithm {
        None | Some(ALGORITHM) => Ok(()),
        Some(other) => Err(Refusal::new("InvalidKeyUsageException", format!("The key has no algorithm {other}."))),
    }
}

fn decoded(member: &str, value: &str) -> Result<Vec<u8>, Refusal> {
    STANDARD.decode(value).map_err(|_| Refusal::new("SerializationException", format!("{member} is not base64")))
}

fn invalid_ciphertext() -> Refusal {
    Refusal::new("InvalidCiphertextException", "")
}
