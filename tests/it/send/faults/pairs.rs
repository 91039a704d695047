//! Two faults in one message's way.

use std::sync::Arc;

use tests::faults::exhaust_pairs;

use super::*;

/// Of so many pairs one is tried in every run; the nightly one tries all.
const SAMPLE: usize = 67;

async fn one_message(world: Arc<World>) -> Vec<String> {
    ready(&world).await;
    written_by(&world, CUSTOMER).await;
    let one = send_once(&world, "one", &text(CUSTOMER, "One")).await;
    let is_over = until_over(&world).await;

    let mut broken = Broken(Vec::new());
    broken.unless(is_over, "it ends", all(&world).await);
    broken.unless(one.status == 202, "it is accepted", &one);
    broken.unless_shown(&world, &one.body, &["sent", "unconfirmed"]).await;
    let messages = all(&world).await;
    broken.unless(messages.len() == 2, "one key makes one message", &messages);
    broken.unless_sent_once(&world).await;
    broken.unless_listed(&world).await;
    broken.unless_counted_once(&world, &[("text", 1)]).await;
    broken.0
}

#[tokio::test(flavor = "multi_thread")]
async fn sending_survives_pairs_of_faults() {
    exhaust_pairs(one_message, SAMPLE).await.must_hold("pairs on sending", 15);
}
