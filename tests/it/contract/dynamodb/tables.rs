//! Tables: making, describing, expiring.

use super::{Table, part_of_key};
use crate::contract::{
    check::{Granted, Outcome, checks, eventually, fresh, refused, same},
    clients::Clients,
};
use aws_sdk_dynamodb::types::{BillingMode, KeyType, TableStatus, TimeToLiveSpecification, TimeToLiveStatus};

checks! {
    a_table_is_described_with_its_keys_and_index,
    a_table_is_made_once,
    an_undeclared_key_is_refused,
    an_unknown_table_is_refused,
    a_deleted_table_is_gone,
    time_to_live_can_be_switched_on,
}

async fn a_table_is_described_with_its_keys_and_index(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    let described = eventually("the table", async || {
        let described = clients.dynamodb.describe_table().table_name(&table.name).send().await.granted()?.table;
        Ok(described.filter(|table| table.table_status == Some(TableStatus::Active)))
    })
    .await?;
    same(described.key_schema, Some(vec![part_of_key("pk", KeyType::Hash), part_of_key("sk", KeyType::Range)]))?;
    let indexes = described.global_secondary_indexes.unwrap_or_default().into_iter();
    same(indexes.filter_map(|index| index.index_name).collect::<Vec<_>>(), ["by_owner"])?;
    same(described.latest_stream_arn.is_some(), true)
}

async fn a_table_is_made_once(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    let create = clients.dynamodb.create_table().table_name(&table.name).key_schema(part_of_key("pk", KeyType::Hash));
    let attribute =
        aws_sdk_dynamodb::types::AttributeDefinition::builder().attribute_name("pk").attribute_type("S".into());
    let create = create.attribute_definitions(attribute.build().unwrap()).billing_mode(BillingMode::PayPerRequest);
    refused(create.send().await, "ResourceInUseException")
}

async fn an_undeclared_key_is_refused(clients: Clients) -> Outcome {
    let create =
        clients.dynamodb.create_table().table_name(fresh("contract-table")).billing_mode(BillingMode::PayPerRequest);
    refused(create.key_schema(part_of_key("pk", KeyType::Hash)).send().await, "ValidationException")
}

async fn an_unknown_table_is_refused(clients: Clients) -> Outcome {
    refused(clients.dynamodb.scan().table_name(fresh("no-such-table")).send().await, "ResourceNotFoundException")
}

async fn a_deleted_table_is_gone(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    clients.dynamodb.delete_table().table_name(&table.name).send().await.granted()?;
    eventually("the end of the table", async || {
        let described = clients.dynamodb.describe_table().table_name(&table.name).send().await;
        Ok(refused(described, "ResourceNotFoundException").ok())
    })
    .await
}

async fn time_to_live_can_be_switched_on(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    let on = TimeToLiveSpecification::builder().attribute_name("ttl").enabled(true).build().unwrap();
    clients
        .dynamodb
        .update_time_to_live()
        .table_name(&table.name)
        .time_to_live_specification(on)
        .send()
        .await
        .granted()?;
    let described = clients.dynamodb.describe_time_to_live().table_name(&table.name).send().await.granted()?;
    let ttl = described.time_to_live_description.ok_or("no description")?;
    same((ttl.time_to_live_status, ttl.attribute_name.as_deref()), (Some(TimeToLiveStatus::Enabled), Some("ttl")))
}
