//! What telling adds to a message, and what a reader costs. Lambda reads streams for nothing.

use serde_json::{Value, json};

use super::{
    receiving::{delivered, said, sent, take_in},
    *,
};
use crate::receive::connected;

/// What one message, status or question of a reader comes to.
#[derive(Clone, Copy)]
struct Told {
    spent: Spent,
    invoked: f64,
    asked: f64,
}

impl Told {
    /// What `feed` does for units that are taken in so many at a time, as the stream would bring them.
    async fn of(world: &World, together: usize, units: &[(&str, Value)]) -> Self {
        world.feed().await;
        world.aws.clear_calls();
        let mut batches = 0;
        for units in units.chunks(together) {
            take_in(world, together, units).await;
            let fed = world.feed().await;
            assert_eq!(fed.again, 0);
            batches += fed.batches;
        }
        let spent = Spent::since(world, units.len())["feed"];
        Self { spent, invoked: number(batches) / number(units.len()), asked: 0.0 }
    }

    /// A reader asks, and nothing has changed.
    async fn in_vain(world: &World) -> Self {
        let key = world.make_key(json!({"name": "reader", "scopes": ["events:read"]})).await;
        let key = key["key"].as_str().unwrap();
        let mut after = "now".to_owned();
        for _ in 0..2 {
            world.aws.clear_calls();
            let answer = world.call("GET", &format!("/v1/events?after={after}")).bearer(key).send().await;
            assert_eq!(answer.body["data"], json!([]), "{answer:?}");
            after = answer.text("next");
        }
        Self { spent: Spent::since(world, 1)["inbox"], invoked: 1.0, asked: 1.0 }
    }

    /// Dollars for a million, by item.
    fn items(&self) -> [(String, f64); 4] {
        let feed = megabytes("FeedFunction");
        [
            ("API Gateway".to_owned(), self.asked * price::API_REQUEST),
            ("invoked".to_owned(), self.invoked * price::INVOCATION),
            (format!("{feed} MB while it reads and writes"), self.spent.waiting(feed)),
            ("table".to_owned(), self.spent.table()),
        ]
    }

    fn together(&self) -> f64 {
        self.items().iter().map(|(_, dollars)| dollars).sum()
    }
}

#[tokio::test]
async fn telling_costs_what_the_cost_page_says() {
    let world = connected().await;
    // Everybody is known, the log has begun, and every environment is warm.
    for before in ["before", "again"] {
        take_in(&world, UNITS, &said(&world, before, |place| place)).await;
        world.feed().await;
    }
    let ten = Told::of(&world, UNITS, &said(&world, "ten", |place| place)).await;
    let single = Told::of(&world, 1, &said(&world, "single", |place| place)).await;
    take_in(&world, UNITS, &sent(&world)).await;
    let status = Told::of(&world, UNITS, &delivered(&world)).await;
    let idle = Told::in_vain(&world).await;

    assert!(ten.spent.written <= 1.0 && ten.together() <= 1.0, "{:?}", ten.items());
    is_on_the_page("feed", &table(&[ten, single, status, idle]));
}

fn table(columns: &[Told]) -> String {
    let mut table = String::from(
        "| | a message, ten at a time | a message, alone | a status, ten at a time | a reader asks in vain |\n\
         |---|---:|---:|---:|---:|\n",
    );
    let mut counted = |name: &str, value: &dyn Fn(&Told) -> f64| {
        row(&mut table, name, columns.iter().map(|column| format!("{:.1}", value(column))));
    };
    counted("calls", &|column| column.spent.calls);
    counted("written units", &|column| column.spent.written);
    counted("read units", &|column| column.spent.read);
    for (place, (name, _)) in columns[0].items().iter().enumerate() {
        row(&mut table, name, columns.iter().map(|column| format!("{:.2}", column.items()[place].1)));
    }
    row(&mut table, "**dollars for a million**", columns.iter().map(|column| format!("**{:.2}**", column.together())));
    table
}
