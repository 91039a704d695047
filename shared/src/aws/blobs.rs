//! Units that are too large for the queue, kept in the table of receipts until those who point to them are done.

use std::collections::HashMap;

use aws_sdk_dynamodb::{Client, primitives::Blob, types::AttributeValue};
use jiff::{SignedDuration, Timestamp};
use miniz_oxide::{deflate::compress_to_vec, inflate::decompress_to_vec_with_limit};

use super::clients::Later;
use crate::{
    Error, Result,
    domain::{
        envelope::{Elsewhere, Envelope, Oversized},
        hex,
    },
};

/// Longer than the queue, its dead letters and parking keep what points here.
pub const KEPT_FOR: SignedDuration = SignedDuration::from_hours(60 * 24);
/// Of zlib's ten levels the one that most choose.
const EFFORT: u8 = 6;

#[derive(Debug, Clone)]
pub struct Blobs {
    client: Later<Client>,
    table: String,
}

impl Blobs {
    pub fn new(client: Later<Client>, table: String) -> Self {
        Self { client, table }
    }

    /// Keeps it. Its name is its hash: twice leaves the same rows, and half is completed by the next try.
    pub async fn keep(&self, unit: &Oversized, now: Timestamp) -> Result<()> {
        let ends = AttributeValue::N((now + KEPT_FOR).as_second().to_string());
        for (index, row) in unit.rows().enumerate() {
            let put = self.client.put_item().table_name(&self.table);
            put.item("pk", AttributeValue::S(partition(&unit.id)))
                .item("sk", AttributeValue::S(place(index)))
                .item("b", AttributeValue::B(Blob::new(compress_to_vec(row, EFFORT))))
                // Its name says what it is: it may go, and is never wrong.
                .item("ttl", ends.clone())
                .send()
                .await
                .map_err(Error::aws)?;
        }
        Ok(())
    }

    /// A message of the queue with those of its units that lie elsewhere; none: there are no such.
    pub async fn gathered(&self, body: &str, elsewhere: &[Elsewhere]) -> Result<Option<String>> {
        let mut texts = HashMap::new();
        for unit in elsewhere {
            texts.insert(unit.id.clone(), self.read(unit).await?);
        }
        let envelope = Envelope::parse(body).ok().filter(|_| !texts.is_empty());
        Ok(envelope.map(|envelope| envelope.gathered(&texts)))
    }

    /// Takes its rows away. Twice: they are gone.
    pub async fn forget(&self, unit: &Elsewhere) -> Result<()> {
        for index in 0..unit.rows {
            let delete = self.client.delete_item().table_name(&self.table);
            let delete = delete.key("pk", AttributeValue::S(partition(&unit.id)));
            delete.key("sk", AttributeValue::S(place(index))).send().await.map_err(Error::aws)?;
        }
        Ok(())
    }

    /// The text of a unit, which `Unit::parse` takes.
    pub async fn read(&self, unit: &Elsewhere) -> Result<String> {
        let mut text = Vec::with_capacity(unit.length);
        for index in 0..unit.rows {
            let get = self.client.get_item().table_name(&self.table).consistent_read(true);
            let get = get.key("pk", AttributeValue::S(partition(&unit.id))).key("sk", AttributeValue::S(place(index)));
            let row = get.send().await.map_err(Error::aws)?.item;
            let bytes = row.as_ref().and_then(|row| row.get("b")?.as_b().ok()).ok_or_else(|| lost(unit))?;
            let left = unit.length.saturating_sub(text.len());
            text.extend(decompress_to_vec_with_limit(bytes.as_ref(), left).map_err(|_| lost(unit))?);
        }
        let is_whole = hex::sha256(&text) == unit.id;
        String::from_utf8(text).ok().filter(|_| is_whole).ok_or_else(|| lost(unit))
    }
}

fn partition(id: &str) -> String {
    format!("blob#{id}")
}

fn place(index: usize) -> String {
    format!("{index:04}")
}

fn lost(unit: &Elsewhere) -> Error {
    Error::Corrupt(format!("the {} rows of the unit {}", unit.rows, unit.id))
}
