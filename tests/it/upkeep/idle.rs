//! What a minute costs in which nothing is due.

use shared::upkeep::Report;
use tests::{World, schedule_event};

use crate::connect::connected;

#[tokio::test]
async fn an_idle_minute_looks_once_at_each_kind_of_work_and_reads_one_secret() {
    let world = World::deployed().await;
    connected(&world, "acme").await;

    let report = world.cold_sweeper("idle").handle(schedule_event()).await.unwrap();

    let Report::Upkeep { first_key_put: false, connections, leaving, health, parked, outbound, erased } = report else {
        panic!("{report:?}")
    };
    assert_eq!((connections, leaving, health, parked, outbound, erased), Default::default());
    let calls = world.aws.calls().into_iter().filter(|call| call.caller == "idle");
    let operations: Vec<String> = calls.map(|call| call.operation).collect();
    assert_eq!(operations, ["GetSecretValue", "GetItem", "Query", "Query", "Query", "Query", "Query"]);
}
