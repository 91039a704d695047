//! Queries, scans and batches.

use super::{Table, item, key, n, s, sorted_by};
use crate::contract::{
    check::{Granted, Outcome, checks, holds, refused, same},
    clients::Clients,
};
use aws_sdk_dynamodb::types::{KeysAndAttributes, PutRequest, WriteRequest};

checks! {
    a_query_is_ordered_and_can_be_reversed,
    a_query_continues_where_it_stopped,
    a_query_takes_a_range,
    an_index_holds_what_has_its_key,
    a_filter_counts_what_it_drops,
    a_page_ends_before_a_megabyte_too_many,
    a_batch_reads_what_is_there,
    a_batch_writes_twenty_five_and_not_one_more,
    a_scan_sees_everything_once,
}

async fn five(clients: &Clients) -> Outcome<Table> {
    let table = Table::create(clients).await?;
    for sk in ["1", "2", "3", "4", "5"] {
        table.add("a", sk, &[]).await?;
    }
    table.add("b", "1", &[]).await?;
    Ok(table)
}

async fn a_query_is_ordered_and_can_be_reversed(clients: Clients) -> Outcome {
    let table = five(&clients).await?;
    let query = || {
        let query = clients.dynamodb.query().table_name(&table.name).key_condition_expression("pk = :pk");
        query.expression_attribute_values(":pk", s("a"))
    };
    same(sorted_by(query().send().await.granted()?.items), ["1", "2", "3", "4", "5"])?;
    let reversed = query().scan_index_forward(false).limit(2).send().await.granted()?;
    same(sorted_by(reversed.items), ["5", "4"])
}

async fn a_query_continues_where_it_stopped(clients: Clients) -> Outcome {
    let table = five(&clients).await?;
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let query = clients.dynamodb.query().table_name(&table.name).key_condition_expression("pk = :pk");
        let query = query.expression_attribute_values(":pk", s("a")).limit(2).set_exclusive_start_key(after);
        let page = query.send().await.granted()?;
        found.extend(sorted_by(page.items));
        after = page.last_evaluated_key;
        if after.is_none() {
            return same(found, ["1", "2", "3", "4", "5"]);
        }
    }
}

async fn a_query_takes_a_range(clients: Clients) -> Outcome {
    let table = five(&clients).await?;
    let query = clients.dynamodb.query().table_name(&table.name);
    let query = query.key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to");
    let query = query.expression_attribute_values(":pk", s("a"));
    let query = query.expression_attribute_values(":from", s("2")).expression_attribute_values(":to", s("4"));
    same(sorted_by(query.send().await.granted()?.items), ["2", "3", "4"])
}

async fn an_index_holds_what_has_its_key(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    for (pk, sk) in [("a", "2"), ("b", "1")] {
        table.add(pk, sk, &[("owner", s("o")), ("v", n(1))]).await?;
    }
    table.add("c", "3", &[]).await?;
    table.update(key("a", "2"), "REMOVE #o").expression_attribute_names("#o", "owner").send().await.granted()?;
    let query = clients.dynamodb.query().table_name(&table.name).index_name("by_owner");
    let query = query.key_condition_expression("#o = :o").expression_attribute_names("#o", "owner");
    let found = query.expression_attribute_values(":o", s("o")).send().await.granted()?.items;
    // Keys only: `v` is not there.
    same(found, Some(vec![item(&[("pk", s("b")), ("sk", s("1")), ("owner", s("o"))])]))
}

async fn a_filter_counts_what_it_drops(clients: Clients) -> Outcome {
    let table = five(&clients).await?;
    let query = clients.dynamodb.query().table_name(&table.name).key_condition_expression("pk = :pk");
    let query = query.filter_expression("attribute_exists(nothing)").expression_attribute_values(":pk", s("a"));
    let found = query.send().await.granted()?;
    same((found.count, found.scanned_count), (0, 5))
}

/// Where exactly a page ends is not asserted: the emulators disagree.
async fn a_page_ends_before_a_megabyte_too_many(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    for sk in ["1", "2", "3", "4", "5", "6"] {
        table.add("a", sk, &[("v", s(&"x".repeat(300_000)))]).await?;
    }
    let query = clients.dynamodb.query().table_name(&table.name).key_condition_expression("pk = :pk");
    let page = query.expression_attribute_values(":pk", s("a")).send().await.granted()?;
    holds(page.last_evaluated_key.is_some(), "all 1.8 MB came in one page")
}

async fn a_batch_reads_what_is_there(clients: Clients) -> Outcome {
    let table = five(&clients).await?;
    let keys =
        KeysAndAttributes::builder().keys(key("a", "1")).keys(key("a", "9")).keys(key("b", "1")).build().unwrap();
    let found = clients.dynamodb.batch_get_item().request_items(&table.name, keys).send().await.granted()?;
    let mut found = found.responses.unwrap_or_default().remove(&table.name).unwrap_or_default();
    found.sort_by_key(|item| format!("{:?}", item.get("pk")));
    same(found, [key("a", "1"), key("b", "1")])
}

async fn a_batch_writes_twenty_five_and_not_one_more(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    let write = |count: usize| {
        let put = |n: usize| PutRequest::builder().set_item(Some(key("a", &n.to_string()))).build().unwrap();
        let requests = (0..count).map(|n| WriteRequest::builder().put_request(put(n)).build()).collect();
        clients.dynamodb.batch_write_item().request_items(&table.name, requests).send()
    };
    write(25).await.granted()?;
    refused(write(26).await, "ValidationException")
}

async fn a_scan_sees_everything_once(clients: Clients) -> Outcome {
    let table = five(&clients).await?;
    let mut seen = sorted_by(clients.dynamodb.scan().table_name(&table.name).send().await.granted()?.items);
    seen.sort();
    same(seen, ["1", "1", "2", "3", "4", "5"])
}
