//! What was counted, an item an hour: a view that is written beside the messages and may be made from them again.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::{Messages, lists::text, notes::hour, number_key};
use crate::{
    Error, Result,
    aws::transaction::Item,
    domain::{
        conversation::Line,
        message::{Counted, Counts},
    },
};

impl Messages {
    /// What was counted from one hour until before another, oldest first.
    pub async fn counts(&self, line: &Line, from: Timestamp, to: Timestamp) -> Result<Vec<(Timestamp, Counts)>> {
        let mut hours = Vec::new();
        let mut start = None;
        loop {
            let answer = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :partition AND sk BETWEEN :from AND :to")
                .expression_attribute_values(":partition", AttributeValue::S(number_key(line, 'n')))
                .expression_attribute_values(":from", AttributeValue::S(hour(from)))
                .expression_attribute_values(":to", AttributeValue::S(hour(to)))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(Error::aws)?;
            let items = answer.items.unwrap_or_default();
            let living = items.iter().filter(|item| self.lives(item));
            hours.extend(living.filter_map(read).filter(|(at, _)| *at < to));
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(hours);
            }
        }
    }
}

fn read(item: &Item) -> Option<(Timestamp, Counts)> {
    let at = format!("{}:00:00Z", text(item, "sk")?).parse().ok()?;
    let mut counts = Counts::default();
    for (name, value) in item {
        let Some(count) = value.as_n().ok().and_then(|count| count.parse::<u64>().ok()) else { continue };
        let mut parts = name.split('#');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("m"), Some(direction), Some(kind), Some(status)) => {
                let counted = Counted { direction: direction.into(), kind: kind.into(), status: status.into() };
                *counts.messages.entry(counted).or_default() += count;
            }
            (Some("f"), Some(code), None, None) => *counts.failures.entry(code.to_owned()).or_default() += count,
            _ => {}
        }
    }
    Some((at, counts))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn counts_are_read_by_the_names_of_attributes() {
        let number = |count: &str| AttributeValue::N(count.to_owned());
        let item = Item::from([
            ("pk".to_owned(), AttributeValue::S("acme#n#1".to_owned())),
            ("sk".to_owned(), AttributeValue::S("2026-11-21T10".to_owned())),
            ("ttl".to_owned(), number("1")),
            ("m#inbound#text#received".to_owned(), number("7")),
            ("f#131047".to_owned(), number("2")),
        ]);
        let counted = Counted { direction: "inbound".into(), kind: "text".into(), status: "received".into() };

        let (at, counts) = read(&item).unwrap();

        assert_eq!(at.to_string(), "2026-11-21T10:00:00Z");
        assert_eq!(counts.messages, BTreeMap::from([(counted, 7)]));
        assert_eq!(counts.failures, BTreeMap::from([("131047".to_owned(), 2)]));
    }
}
