//! Values of Secrets Manager, read by hand: what passes is tried again, what does not is not.

use emulators::{Fault, FaultKind, Site};
use secrecy::ExposeSecret;
use tests::World;

async fn with_value(text: &str) -> World {
    let world = World::start().await;
    world.secrets_manager().create_secret().name("one").secret_string(text).send().await.unwrap();
    world
}

fn reads(world: &World) -> usize {
    world.aws.calls().iter().filter(|call| call.operation == "GetSecretValue" && call.caller == "test").count()
}

#[tokio::test]
async fn what_passes_is_tried_three_times() {
    for (kind, times, succeeds) in [
        (FaultKind::Throttle, 2, true),
        (FaultKind::Fail, 2, true),
        (FaultKind::LoseAnswer, 2, true),
        (FaultKind::Fail, 3, false),
    ] {
        let world = with_value("s3cret").await;
        for ordinal in 1..=times {
            let site = Site::named(format!("secretsmanager.GetSecretValue:one#{ordinal}"));
            world.aws.faults().arm(Fault { site, kind });
        }

        let value = world.aws_clients().secrets(world.product_clock()).value("one", "AWSCURRENT").await;

        assert_eq!(world.aws.faults().fired().len(), times, "{kind:?}");
        let read = value.ok().flatten().map(|value| value.expose_secret().to_owned());
        assert_eq!(read, succeeds.then(|| "s3cret".to_owned()), "{kind:?} {times}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_none_and_asked_for_once() {
    let world = with_value("s3cret").await;
    let secrets = world.aws_clients().secrets(world.product_clock());

    assert!(secrets.value("another", "AWSCURRENT").await.unwrap().is_none());
    assert!(secrets.value("one", "AWSPREVIOUS").await.unwrap().is_none());
    assert_eq!(reads(&world), 2);
}

#[tokio::test]
async fn a_refusal_is_said_once_and_without_the_value() {
    let world = with_value("s3cret").await;
    world.secrets_manager().delete_secret().secret_id("one").send().await.unwrap();

    let refused = world.aws_clients().secrets(world.product_clock()).value("one", "AWSCURRENT").await.unwrap_err();

    let said = refused.chain().to_string();
    assert!(said.contains("Secrets Manager: InvalidRequestException") && !said.contains("s3cret"), "{said}");
    assert_eq!(reads(&world), 1);
}
