//! From requests to what Meta is asked for.

use std::sync::Arc;

use tests::faults::exhaust;

use super::*;

/// Two messages to one person under keys, each repeated until it is answered, and one to a stranger without.
async fn accepting(world: Arc<World>) -> Vec<String> {
    ready(&world).await;
    written_by(&world, CUSTOMER).await;
    let one = send_once(&world, "one", &text(CUSTOMER, "One")).await;
    let two = send_once(&world, "two", &text(CUSTOMER, "Two")).await;
    let caller = process("send");
    let three = world.as_process(&caller, sending(&world, &caller, &greeting(STRANGER)).send()).await;
    let is_over = until_over(&world).await;

    let mut broken = Broken(Vec::new());
    broken.unless(is_over, "it ends", all(&world).await);
    broken.unless(one.status == 202 && two.status == 202, "both are accepted", (&one, &two));
    let accepted = [Some(one), Some(two), three].into_iter().flatten().filter(|answer| answer.status == 202);
    let accepted: Vec<Answer> = accepted.collect();
    for answer in &accepted {
        broken.unless_shown(&world, &answer.body, &["sent", "unconfirmed"]).await;
    }
    let messages = all(&world).await;
    for said in ["One", "Two"] {
        let of_text = messages.iter().filter(|message| message.raw.contains(&format!("\"{said}\""))).count();
        broken.unless(of_text == 1, "one key makes one message", &messages);
    }
    broken.unless(messages.len() <= 4, "nothing else is there", &messages);
    broken.unless_sent_once(&world).await;
    broken.unless_listed(&world).await;
    broken.unless_counted_once(&world, &[("text", 2), ("template", 1)]).await;
    broken.0
}

#[tokio::test(flavor = "multi_thread")]
async fn accepting_survives_every_single_fault() {
    exhaust(accepting).await.must_hold("accepting", 35);
}
