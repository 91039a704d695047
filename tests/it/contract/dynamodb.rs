//! DynamoDB: conditions, expressions, indexes, transactions, pages, streams.

mod items;
mod queries;
mod streams;
mod tables;
mod transactions;

use super::{
    check::{Check, Granted, Outcome, fresh},
    clients::Clients,
};
use aws_sdk_dynamodb::{
    operation::{put_item::builders::PutItemFluentBuilder, update_item::builders::UpdateItemFluentBuilder},
    types::{
        AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
        ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType,
    },
};
use std::collections::HashMap;

pub(super) fn checks() -> Vec<Check> {
    [items::CHECKS, queries::CHECKS, streams::CHECKS, tables::CHECKS, transactions::CHECKS].concat()
}

type Item = HashMap<String, AttributeValue>;

/// A table of a check's own: key `pk` and `sk`, an index by `owner`, a stream.
struct Table {
    db: aws_sdk_dynamodb::Client,
    name: String,
}

fn s(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn n(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn item(pairs: &[(&str, AttributeValue)]) -> Item {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn key(pk: &str, sk: &str) -> Item {
    item(&[("pk", s(pk)), ("sk", s(sk))])
}

fn part_of_key(name: &str, kind: KeyType) -> KeySchemaElement {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
}

impl Table {
    async fn create(clients: &Clients) -> Outcome<Self> {
        let name = fresh("contract-table");
        let attribute = |name: &str| {
            AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build().unwrap()
        };
        let by_owner = GlobalSecondaryIndex::builder()
            .index_name("by_owner")
            .key_schema(part_of_key("owner", KeyType::Hash))
            .key_schema(part_of_key("sk", KeyType::Range))
            .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
            .build()
            .unwrap();
        let stream =
            StreamSpecification::builder().stream_enabled(true).stream_view_type(StreamViewType::NewAndOldImages);
        let create = clients.dynamodb.create_table().table_name(&name).billing_mode(BillingMode::PayPerRequest);
        let create = create.key_schema(part_of_key("pk", KeyType::Hash)).key_schema(part_of_key("sk", KeyType::Range));
        let create = create.set_attribute_definitions(Some(["pk", "sk", "owner"].map(attribute).to_vec()));
        let create = create.global_secondary_indexes(by_owner).stream_specification(stream.build().unwrap());
        create.send().await.granted()?;
        Ok(Self { db: clients.dynamodb.clone(), name })
    }

    fn put(&self, item: Item) -> PutItemFluentBuilder {
        self.db.put_item().table_name(&self.name).set_item(Some(item))
    }

    async fn add(&self, pk: &str, sk: &str, rest: &[(&str, AttributeValue)]) -> Outcome {
        let mut whole = key(pk, sk);
        whole.extend(item(rest));
        self.put(whole).send().await.granted().map(drop)
    }

    fn update(&self, key: Item, expression: &str) -> UpdateItemFluentBuilder {
        self.db.update_item().table_name(&self.name).set_key(Some(key)).update_expression(expression)
    }

    async fn get(&self, pk: &str, sk: &str) -> Outcome<Option<Item>> {
        let get = self.db.get_item().table_name(&self.name).set_key(Some(key(pk, sk))).consistent_read(true);
        Ok(get.send().await.granted()?.item)
    }

    async fn value(&self, pk: &str, sk: &str, attribute: &str) -> Outcome<Option<AttributeValue>> {
        Ok(self.get(pk, sk).await?.and_then(|mut item| item.remove(attribute)))
    }
}

/// The sort keys, in order.
fn sorted_by(items: Option<Vec<Item>>) -> Vec<String> {
    let sk = |item: &Item| item.get("sk").and_then(|sk| sk.as_s().ok()).cloned().unwrap_or_default();
    items.unwrap_or_default().iter().map(sk).collect()
}
