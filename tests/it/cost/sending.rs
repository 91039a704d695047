//! One message out, and the three statuses that Meta tells of it.

use jiff::SignedDuration;

use super::{receiving::Received, *};
use crate::send::{posting, ready, send, text, written_by};

/// DESIGN §9.
const BAR: f64 = 16.0;
/// Of Meta's, for one POST: an estimate, since nobody promises one. Ten conversations of a batch wait for it at once.
const SECONDS_A_POST: f64 = 0.4;

/// What one message comes to.
struct Sent {
    send: Spent,
    outbound: Spent,
    batches: f64,
    statuses: Received,
}

impl Sent {
    /// To each of them one, sent so many at a time.
    async fn of(world: &World, people: &[String], together: usize, has_key: bool) -> Self {
        world.aws.clear_calls();
        let mut batches = 0;
        for some in people.chunks(together) {
            for person in some {
                let asked = posting(world, &text(person, TEXT));
                let asked = if has_key { asked.header("idempotency-key", &format!("cost-{person}")) } else { asked };
                assert_eq!(asked.send().await.status, 202);
            }
            batches += world.send_out().await.batches;
        }
        let told = statuses(world, people.len() * 3, together).await;
        let spent = Spent::since(world, people.len());
        let batches = number(batches) / number(people.len());
        Self { send: spent["send"], outbound: spent["outbound"], batches, statuses: told }
    }

    /// Dollars for a million messages, by item.
    fn items(&self) -> [(String, f64); 11] {
        let (send, outbound) = (megabytes("SendFunction"), megabytes("OutboundFunction"));
        [
            ("API Gateway".to_owned(), price::API_REQUEST),
            ("send, invoked".to_owned(), price::INVOCATION),
            (format!("send, {send} MB while it reads, sends and writes"), self.send.waiting(send)),
            ("send: table".to_owned(), self.send.table()),
            ("queue: sent".to_owned(), self.send.queue()),
            ("queue: received and deleted".to_owned(), polled(self.batches) + self.outbound.queue()),
            ("outbound, invoked".to_owned(), self.batches * price::INVOCATION),
            (format!("outbound, {outbound} MB while it reads and writes"), self.outbound.waiting(outbound)),
            (format!("outbound, {outbound} MB while it posts"), computing(self.batches * SECONDS_A_POST, outbound)),
            ("outbound: table".to_owned(), self.outbound.table()),
            ("three statuses".to_owned(), 3.0 * self.statuses.together()),
        ]
    }

    fn together(&self) -> f64 {
        self.items().iter().map(|(_, dollars)| dollars).sum()
    }
}

const TEXT: &str = "It is. Come whenever you like, we are open until eight.";

/// What the statuses of all that was sent come to, one in a delivery.
async fn statuses(world: &World, units: usize, together: usize) -> Received {
    world.clock.advance(SignedDuration::from_secs(1));
    world.meta.told().await;
    let drained = world.drain().await;
    assert_eq!((drained.done, drained.again), (units, 0));
    // The queue hands out what has come by then, ten at a time: where one comes alone, so is it paid for.
    Received::since(world, units, units.div_ceil(together).max(drained.batches))
}

#[tokio::test]
async fn sending_costs_what_the_cost_page_says() {
    let world = ready().await;
    let people: Vec<String> = (0..UNITS).map(|number| format!("1650555{number:04}")).collect();
    // Everybody is known, and every environment warm.
    for person in &people {
        written_by(&world, person).await;
        send(&world, &text(person, TEXT)).await;
    }
    posting(&world, &text(&people[0], TEXT)).header("idempotency-key", "first").send().await;
    world.send_out().await;
    world.clock.advance(SignedDuration::from_secs(1));
    world.meta.told().await;
    world.drain().await;
    let ten = Sent::of(&world, &people, UNITS, false).await;
    let keyed = Sent::of(&world, &people, UNITS, true).await;
    let single = Sent::of(&world, &people, 1, false).await;

    assert!(ten.together() <= BAR, "{:.2} dollars a million", ten.together());
    is_on_the_page("sending", &table(&[ten, keyed, single]));
}

fn table(columns: &[Sent]) -> String {
    let mut table = String::from(
        "| | ten at a time | ten at a time, with a key | one at a time |\n\
         |---|---:|---:|---:|\n",
    );
    let mut counted = |name: &str, value: &dyn Fn(&Sent) -> f64| {
        row(&mut table, name, columns.iter().map(|column| format!("{:.1}", value(column))));
    };
    counted("calls by `send`", &|column| column.send.calls + column.send.sends);
    counted("calls by `outbound`", &|column| column.outbound.calls + column.outbound.sends);
    counted("written units, accepted", &|column| column.send.written);
    counted("written units, sent", &|column| column.outbound.written);
    counted("written units, three statuses", &|column| 3.0 * column.statuses.inbound.written);
    for (place, (name, _)) in columns[0].items().iter().enumerate() {
        row(&mut table, name, columns.iter().map(|column| format!("{:.2}", column.items()[place].1)));
    }
    row(&mut table, "**dollars for a million**", columns.iter().map(|column| format!("**{:.2}**", column.together())));
    table
}
