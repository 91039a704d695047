use std::collections::BTreeMap;

use super::*;

/// What was said to whom, in the order of the POSTs that Meta took; and the codes of those it refused.
async fn taken(world: &World) -> (BTreeMap<String, Vec<String>>, Vec<i64>) {
    let (mut said, mut refused) = (BTreeMap::<String, Vec<String>>::new(), Vec::new());
    for post in posts(world).await {
        if let Some(code) = post["answer"]["error"]["code"].as_i64() {
            refused.push(code);
            continue;
        }
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        said.entry(text(&post["body"]["to"])).or_default().push(text(&post["body"]["text"]["body"]));
    }
    (said, refused)
}

#[tokio::test]
async fn sixty_messages_each_to_two_people_keep_within_the_limit_of_a_pair() {
    let world = ready().await;
    let people = [CUSTOMER, "16505550002"];
    for person in people {
        written_by(&world, person).await;
    }
    let mut last = Vec::new();
    for number in 0..60 {
        for person in people {
            last = vec![send(&world, &text(person, &number.to_string())).await];
        }
    }

    // A few seconds: the number has its rate too.
    for _ in 0..4 {
        settle(&world).await;
    }
    let (at_once, _) = taken(&world).await;
    for minutes in 0..8 {
        if status(&world, &last[0]).await == "read" {
            println!("120 messages to two people: done after {minutes} minutes");
            break;
        }
        pass(&world, 60).await;
    }

    let (said, refused) = taken(&world).await;
    assert_eq!(refused, Vec::<i64>::new(), "Meta was never asked for too much");
    let wanted: Vec<String> = (0..60).map(|number| number.to_string()).collect();
    for person in people {
        let person = format!("+{person}");
        assert_eq!(said[&person], wanted, "in the order of acceptance");
        assert!((40..60).contains(&at_once[&person].len()), "most go at once, and not all: {}", at_once[&person].len());
    }
}

#[tokio::test]
async fn a_number_sends_no_more_a_second_than_it_may() {
    let world = ready().await;
    let people: Vec<String> = (0..120).map(|number| format!("165055511{number:02}")).collect();
    let recipients: Vec<Value> = people.iter().map(|to| json!({"to": to})).collect();
    let template = json!({"type": "template", "template": {"name": "hello_world", "language": {"code": "en_US"}}});
    let path = format!("/v1/accounts/{NUMBER}/messages/batch");
    let answer =
        call(&world, ACME, "POST", &path).json(&json!({"message": template, "recipients": recipients})).send().await;
    assert_eq!(answer.status, 202, "{answer:?}");

    let mut seconds = 0;
    while posts(&world).await.len() < people.len() {
        settle(&world).await;
        seconds += 1;
        assert!(seconds < 60, "{} are out", posts(&world).await.len());
    }

    let refused = posts(&world).await.iter().filter(|post| post["status"] != 200).count();
    println!("120 messages of one number: {seconds} seconds of the clock, {refused} refused");
    assert_eq!(refused, 0);
}
