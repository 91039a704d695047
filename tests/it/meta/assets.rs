//! What a token reaches.

use secrecy::SecretString;
use serde_json::json;
use shared::{
    domain::meta_error::{Class, MetaError},
    meta::assets::{
        CanSend, CodeVerification, Health, HealthProblem, NameStatus, Number, NumberStatus, Platform, Quality,
        ReviewStatus, Waba,
    },
};

use super::{
    BUSINESS, Meta, NUMBER, WABA, graph, refused,
    server::{Manner, Server},
};

#[tokio::test]
async fn a_waba_is_read_whole() {
    let meta = Meta::start().await;
    let token = meta.token(WABA[0]).await;

    let waba = meta.with(&token).waba(&WABA[0].parse().unwrap()).await.unwrap();

    assert_eq!(
        waba,
        Waba {
            id: WABA[0].parse().unwrap(),
            name: Some("Harbour Bakery".to_owned()),
            currency: Some("EUR".to_owned()),
            timezone_id: Some("1".to_owned()),
            business_id: Some(BUSINESS[0].parse().unwrap()),
            account_review_status: Some(ReviewStatus::Approved),
            status: Some("ACTIVE".to_owned()),
            primary_funding_id: Some("900300400500601".to_owned()),
            health: Some(Health { can_send_message: CanSend::Available, problems: Vec::new() }),
        }
    );
}

#[tokio::test]
async fn a_number_is_read_whole_and_says_what_is_wrong_with_it() {
    let meta = Meta::start().await;
    let token = meta.token(WABA[0]).await;

    let number = meta.with(&token).number(&NUMBER[0].parse().unwrap()).await.unwrap();

    assert!(!number.is_registered() && number.is_verified());
    assert_eq!(
        number,
        Number {
            id: NUMBER[0].parse().unwrap(),
            display_phone_number: Some("+1 555-010-0001".to_owned()),
            verified_name: Some("Harbour Bakery".to_owned()),
            name_status: Some(NameStatus::Approved),
            code_verification_status: Some(CodeVerification::Verified),
            quality_rating: Some(Quality::Green),
            status: Some(NumberStatus::Pending),
            platform_type: Some(Platform::NotApplicable),
            is_on_biz_app: false,
            is_pin_enabled: Some(false),
            throughput: Some("NOT_APPLICABLE".to_owned()),
            messaging_limit: Some("TIER_250".to_owned()),
            webhook_configuration: Some(json!({"application": "http://127.0.0.1:9000/webhooks/whatsapp"})),
            health: Some(Health {
                can_send_message: CanSend::Blocked,
                problems: vec![HealthProblem {
                    entity: "PHONE_NUMBER".to_owned(),
                    can_send_message: CanSend::Blocked,
                    code: Some(141_000),
                    description: Some("The phone number is not registered on the Cloud API.".to_owned()),
                    solution: Some("Register the phone number before sending messages.".to_owned()),
                }],
            }),
        }
    );
}

#[tokio::test]
async fn a_number_on_the_business_app_says_so() {
    let meta = Meta::start().await;
    let token = meta.token(WABA[2]).await;

    let numbers = meta.with(&token).numbers_of(&WABA[2].parse().unwrap()).await.unwrap();

    let shown: Vec<_> =
        numbers.iter().map(|number| (number.id.as_str(), number.is_on_biz_app, number.is_registered())).collect();
    assert_eq!(shown, [(NUMBER[3], false, false), (NUMBER[4], true, true)]);
}

#[tokio::test]
async fn every_page_of_a_list_is_read_and_no_link_is_followed() {
    let meta = Meta::start().await;
    let mut ids = vec![NUMBER[2].to_owned()];
    for _ in 0..220 {
        let made = meta.sim("numbers", json!({ "waba_id": WABA[1] })).await;
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    let token = meta.token(WABA[1]).await;

    let numbers = meta.with(&token).numbers_of(&WABA[1].parse().unwrap()).await.unwrap();

    assert_eq!(numbers.iter().map(|number| number.id.to_string()).collect::<Vec<_>>(), ids);
    let calls = meta.calls("/phone_numbers").await;
    assert_eq!(calls.len(), 3);
    // The link that Meta gives carries the token; ours never do.
    assert!(calls.iter().all(|call| call["query"].get("access_token").is_none()), "{calls:?}");
}

#[tokio::test]
async fn a_value_nobody_knows_yet_is_kept_as_it_is() {
    let meta = Meta::start().await;
    let strange = json!({"quality_rating": "PURPLE", "name_status": "IN_ORBIT", "status": "ON_THE_MOON",
        "code_verification_status": "MAYBE", "throughput": "LUDICROUS", "registered": true});
    meta.sim(&format!("numbers/{}", NUMBER[0]), strange).await;
    let token = meta.token(WABA[0]).await;

    let number = meta.with(&token).number(&NUMBER[0].parse().unwrap()).await.unwrap();

    assert_eq!(number.quality_rating, Some(Quality::Unknown("PURPLE".to_owned())));
    assert_eq!(number.name_status, Some(NameStatus::Unknown("IN_ORBIT".to_owned())));
    assert_eq!(number.status, Some(NumberStatus::Unknown("ON_THE_MOON".to_owned())));
    assert_eq!(number.code_verification_status, Some(CodeVerification::Unknown("MAYBE".to_owned())));
    assert_eq!(number.throughput.as_deref(), Some("LUDICROUS"));
    assert!(number.is_registered() && !number.is_verified());
}

#[tokio::test]
async fn businesses_and_their_wabas_are_listed_owned_and_shared() {
    let meta = Meta::start().await;
    // The shared one is a client's WABA that has let the app's business in.
    let (own, _client) = (meta.token(WABA[0]).await, meta.token(WABA[2]).await);

    let businesses = meta.with(&own).businesses().await.unwrap();
    let wabas = meta.with(&own).wabas_of(&BUSINESS[0].parse().unwrap()).await.unwrap();

    assert_eq!(businesses, [BUSINESS[0].parse().unwrap()]);
    assert_eq!(wabas, [WABA[0].parse().unwrap(), WABA[2].parse().unwrap()]);
}

#[tokio::test]
async fn without_its_permission_the_list_of_businesses_is_refused() {
    let meta = Meta::start().await;
    meta.sim("app", json!({"scopes": ["whatsapp_business_management", "whatsapp_business_messaging"]})).await;
    let token = meta.token(WABA[0]).await;

    let error = meta.with(&token).businesses().await.unwrap_err();

    assert_eq!((error.class(), error.is_temporary()), (Class::AbilityMissing, false));
}

#[tokio::test]
async fn whether_messages_may_be_sent_is_found_out_without_sending_one() {
    let meta = Meta::start().await;
    let may = meta.token(WABA[0]).await;
    meta.sim("app", json!({"scopes": ["whatsapp_business_management"]})).await;
    let may_not = meta.token(WABA[0]).await;
    let number = NUMBER[0].parse().unwrap();

    assert_eq!(meta.with(&may).may_message(&number).await, Ok(true));
    assert_eq!(meta.with(&may_not).may_message(&number).await, Ok(false));

    let calls = meta.calls("/messages").await;
    assert!(calls.iter().all(|call| call["status"] == 400 || call["status"] == 403), "{calls:?}");
}

#[tokio::test]
async fn what_says_nothing_about_the_permission_to_message_is_no_answer() {
    let meta = Meta::start().await;
    let token = meta.token(WABA[0]).await;
    let session = meta.with(&token);
    let number = NUMBER[0].parse().unwrap();

    for (error, class) in [
        (json!({"code": 2}), Class::Temporary),
        (json!({"code": 80_007}), Class::Throttled),
        (json!({"code": 190, "error_subcode": 463}), Class::TokenInvalid),
    ] {
        meta.refuse("/messages", error).await;
        assert_eq!(session.may_message(&number).await.unwrap_err().class(), class);
    }
    // Another business's number is not there for this token.
    assert_eq!(session.may_message(&NUMBER[3].parse().unwrap()).await.unwrap_err().class(), Class::NotFound);
    // What is wrong with the number is not what was asked.
    meta.refuse("/messages", json!({"code": 133_010})).await;
    assert_eq!(session.may_message(&number).await, Ok(true));
}

#[tokio::test]
async fn another_s_number_and_no_number_at_all_are_refused_alike() {
    let meta = Meta::start().await;
    let token = meta.token(WABA[0]).await;
    let session = meta.with(&token);

    for id in [NUMBER[3], "1"] {
        assert_eq!(refused(session.number(&id.parse().unwrap()).await), "Meta refused: not_found (100/33)");
    }
}

#[tokio::test]
async fn a_token_without_the_right_proof_is_worth_nothing() {
    let meta = Meta::start().await;
    let token = meta.token(WABA[0]).await;
    let wrong = super::app(&meta.app.id, "another-secret");
    let number = NUMBER[0].parse().unwrap();

    let proved = meta.with(&token).number(&number).await;
    let unproved = meta.graph.with(&wrong, &token).number(&number).await;

    assert!(proved.is_ok(), "{proved:?}");
    assert_eq!(refused(unproved), "Meta refused: invalid_parameter (100)");
    let calls = meta.calls(NUMBER[0]).await;
    assert!(calls.iter().all(|call| call["query"].get("appsecret_proof").is_some()), "{calls:?}");
}

#[tokio::test]
async fn a_token_that_fits_no_header_is_invalid_and_goes_nowhere() {
    let meta = Meta::start().await;
    let token = SecretString::from("EAA\nHost: evil.example");

    let error = meta.with(&token).number(&NUMBER[0].parse().unwrap()).await.unwrap_err();

    assert!(matches!(&error, MetaError::Refused(refusal) if refusal.code == 190), "{error:?}");
    assert_eq!(meta.calls("/").await.len(), 0);
}

#[tokio::test]
async fn one_element_that_cannot_be_read_does_not_hide_the_others() {
    let server = Server::start(Manner::Answers(
        200,
        r#"{"data": [{"id": 1, "throughput": {"level": 5}, "health_status": "fine", "quality_rating": null},
            {"id": "me"}, {"verified_name": "Nobody"}, "nonsense", {"id": "2", "is_on_biz_app": "yes"}]}"#,
    ))
    .await;
    let (app, token) = (super::app("67", "secret"), SecretString::from("a-token"));

    let numbers =
        graph(&server.url, "v25.0").unwrap().with(&app, &token).numbers_of(&WABA[0].parse().unwrap()).await.unwrap();

    assert_eq!(numbers.iter().map(|number| number.id.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    assert!(numbers.iter().all(|number| number.health.is_none() && !number.is_on_biz_app));
}

#[tokio::test]
async fn a_list_that_goes_round_in_circles_ends() {
    let server = Server::start(Manner::Answers(
        200,
        r#"{"data": [{"id": "1"}], "paging": {"cursors": {"after": "x"}, "next": "http://127.0.0.1:1/?access_token=t"}}"#,
    ))
    .await;
    let (app, token) = (super::app("67", "secret"), SecretString::from("a-token"));

    let numbers =
        graph(&server.url, "v25.0").unwrap().with(&app, &token).numbers_of(&WABA[0].parse().unwrap()).await.unwrap();

    assert_eq!((numbers.len(), server.asked().len()), (2, 2));
}
