//! Checklist 1 and 7: login, Embedded Signup, tokens, revocation, and who is told.

use http::Method;
use serde_json::{Value, json};

use crate::world::{APP, BUSINESS, NUMBER, SECRET, WABA, World, app_token, hmac_hex};

const REDIRECT: &str = "https%3A%2F%2Fexample.com%2Fcallback%3Ftenant%3D1";

async fn dialog(world: &World, parameters: &str) -> String {
    let path = format!(
        "/v25.0/dialog/oauth?client_id={APP}&redirect_uri={REDIRECT}&state=s%26t&response_type=code&{parameters}"
    );
    let answer = world.request(Method::GET, &path, &[], "").await.unwrap();
    assert_eq!(answer.status, 302, "{:?}", answer.bytes);
    answer.header("location").to_owned()
}

fn parameter<'a>(location: &'a str, name: &str) -> &'a str {
    let query = location.split_once('?').unwrap().1.trim_end_matches("#_=_");
    query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}="))).unwrap()
}

#[tokio::test]
async fn approving_the_login_leads_back_with_code_and_state() {
    let world = World::start().await;

    let location = dialog(&world, "config_id=1&_consent=approve").await;

    let code = parameter(&location, "code");
    assert_eq!(location, format!("https://example.com/callback?tenant=1&code={code}&state=s%26t#_=_"));
    let answer = world.exchange(&format!("code={code}&redirect_uri={REDIRECT}")).await;
    let token = answer.body["access_token"].as_str().unwrap();
    assert_eq!(answer.body, json!({"access_token": token, "token_type": "bearer"}));
}

#[tokio::test]
async fn denying_the_login_leads_back_with_the_error() {
    let world = World::start().await;

    let location = dialog(&world, "config_id=1&_consent=deny").await;

    assert_eq!(
        location,
        "https://example.com/callback?tenant=1&error=access_denied&error_code=200&error_description=Permissions%20error\
         &error_reason=user_denied&state=s%26t#_=_"
    );
}

#[tokio::test]
async fn the_dialog_shows_every_account_and_refuses_a_foreign_app() {
    let world = World::start().await;

    let path =
        format!("/v25.0/dialog/oauth?client_id={APP}&redirect_uri={REDIRECT}&config_id=1&state=%22%3E%3Cscript%3E");
    let page = world.request(Method::GET, &path, &[], "").await.unwrap();
    let text = String::from_utf8_lossy(&page.bytes).into_owned();

    assert_eq!(page.status, 200);
    for shown in
        WABA.into_iter().chain(["+1 555-010-0001", "Blumen Grün Werkstatt", "value=\"&quot;&gt;&lt;script&gt;\""])
    {
        assert!(text.contains(shown), "{shown} is not in {text}");
    }
    let none = format!("{path}&_waba_ids%5B%5D=&_consent=approve");
    assert_eq!(world.request(Method::GET, &none, &[], "").await.unwrap().status, 400, "somebody who ticks nothing");
    let one = format!("{path}&_waba_ids%5B%5D=&_waba_ids%5B%5D={}&_consent=approve", WABA[1]);
    assert_eq!(world.request(Method::GET, &one, &[], "").await.unwrap().status, 302);
    let path = format!("/v25.0/dialog/oauth?client_id=1&redirect_uri={REDIRECT}&config_id=1&_consent=approve");
    assert_eq!(world.request(Method::GET, &path, &[], "").await.unwrap().status, 400);
    let path = format!(
        "/v25.0/dialog/oauth?client_id={APP}&redirect_uri=http%3A%2F%2Fexample.com&config_id=1&_consent=approve"
    );
    assert_eq!(world.request(Method::GET, &path, &[], "").await.unwrap().status, 400);
}

#[tokio::test]
async fn a_code_is_good_once_for_thirty_seconds_and_one_redirect_uri() {
    let world = World::start().await;
    let code = async |world: &World| parameter(&dialog(world, "config_id=1&_consent=approve").await, "code").to_owned();

    let used = code(&world).await;
    let other = world.exchange(&format!("code={used}&redirect_uri=https%3A%2F%2Fexample.com%2F")).await;
    assert_eq!((other.status, other.error()), (400, (100, Some(36008))));
    let none = world.exchange(&format!("code={used}")).await;
    assert_eq!(none.error(), (100, Some(36008)));
    assert_eq!(world.exchange(&format!("code={used}&redirect_uri={REDIRECT}")).await.status, 200);
    let again = world.exchange(&format!("code={used}&redirect_uri={REDIRECT}")).await;
    assert_eq!((again.status, again.error()), (400, (100, Some(36009))));
    assert_eq!(again.body["error"]["message"], "This authorization code has been used.");

    let late = code(&world).await;
    world.advance(31);
    let answer = world.exchange(&format!("code={late}&redirect_uri={REDIRECT}")).await;
    assert_eq!((answer.status, answer.error()), (400, (100, Some(36007))));
    let in_time = code(&world).await;
    world.advance(30);
    assert_eq!(world.exchange(&format!("code={in_time}&redirect_uri={REDIRECT}")).await.status, 200);
}

#[tokio::test]
async fn only_the_app_itself_exchanges() {
    let world = World::start().await;

    let ask = async |parameters: &str| {
        let path = format!("/v25.0/oauth/access_token?{parameters}");
        let answer = world.request(Method::GET, &path, &[], "").await.unwrap();
        (answer.status, answer.error().0)
    };

    assert_eq!(ask("client_id=1&client_secret=x&code=y").await, (400, 101));
    assert_eq!(ask(&format!("client_id={APP}&client_secret=x&code=y")).await, (400, 1));
    assert_eq!(ask(&format!("client_id={APP}&client_secret={SECRET}&code=y")).await, (400, 100));
    let body = format!("client_id={APP}&client_secret={SECRET}&grant_type=client_credentials");
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let answer = world.request(Method::POST, "/v25.0/oauth/access_token", &form, body).await.unwrap();
    assert_eq!(answer.body, json!({"access_token": app_token(), "token_type": "bearer"}));
}

#[tokio::test]
async fn a_login_without_configuration_gives_a_short_token_that_becomes_a_long_one() {
    let world = World::start().await;
    let location =
        dialog(&world, &format!("scope=whatsapp_business_management&_consent=approve&_waba_ids={}", WABA[1])).await;

    let short = world.exchange(&format!("code={}&redirect_uri={REDIRECT}", parameter(&location, "code"))).await.body;
    let token = short["access_token"].as_str().unwrap();
    let long = world.exchange(&format!("grant_type=fb_exchange_token&fb_exchange_token={token}")).await.body;

    assert_eq!((short["expires_in"].clone(), long["expires_in"].clone()), (json!(5400), json!(60 * 24 * 3600)));
    assert_eq!(kinds(&world, &[&short, &long]).await, ["user", "long_lived"]);
    world.advance(5401);
    assert_eq!(world.get(WABA[1], token).await.error(), (190, Some(463)));
    let late = world.exchange(&format!("grant_type=fb_exchange_token&fb_exchange_token={token}")).await;
    assert_eq!((late.status, late.error()), (401, (190, Some(463))));
    assert_eq!(world.get(WABA[1], long["access_token"].as_str().unwrap()).await.status, 200);
}

async fn kinds(world: &World, given: &[&Value]) -> Vec<String> {
    let state = world.state().await;
    let tokens = state["tokens"].as_array().unwrap();
    given
        .iter()
        .map(|given| {
            let token = tokens.iter().find(|token| token["token"] == given["access_token"]).unwrap();
            token["kind"].as_str().unwrap().to_owned()
        })
        .collect()
}

#[tokio::test]
async fn debug_token_tells_what_a_token_reaches() {
    let world = World::start().await;
    let token = world.business_token(WABA[2]).await;

    let answer = world.get(&format!("debug_token?input_token={token}"), &app_token()).await;

    assert_eq!(
        answer.body,
        json!({"data": {
            "app_id": APP, "type": "SYSTEM_USER", "application": "Simulated app", "data_access_expires_at": 0,
            "expires_at": 0, "is_valid": true, "issued_at": world.now(),
            "scopes": ["whatsapp_business_management", "whatsapp_business_messaging", "business_management", "public_profile"],
            "granular_scopes": [
                {"scope": "whatsapp_business_management", "target_ids": [WABA[2]]},
                {"scope": "whatsapp_business_messaging", "target_ids": [WABA[2]]},
                {"scope": "business_management", "target_ids": [BUSINESS[1]]},
            ],
            "user_id": "600700800900102",
        }})
    );
    let garbage = world.get("debug_token?input_token=EAAgarbage", &app_token()).await;
    assert_eq!(
        (garbage.status, &garbage.body["data"]["is_valid"], &garbage.body["data"]["error"]["code"]),
        (200, &json!(false), &json!(190))
    );
    assert_eq!(world.get(&format!("debug_token?input_token={token}"), &token).await.error().0, 100);
}

#[tokio::test]
async fn target_ids_are_newest_first() {
    let world = World::start().await;
    let location = dialog(&world, "config_id=1&_consent=approve").await;
    let answer = world.exchange(&format!("code={}&redirect_uri={REDIRECT}", parameter(&location, "code"))).await;
    let token = answer.body["access_token"].as_str().unwrap();

    let debugged = world.get(&format!("debug_token?input_token={token}"), &app_token()).await;

    assert_eq!(debugged.body["data"]["granular_scopes"][0]["target_ids"], json!([WABA[2], WABA[1], WABA[0]]));
    assert_eq!(debugged.body["data"]["granular_scopes"][2]["target_ids"], json!(BUSINESS));
}

#[tokio::test]
async fn every_way_out_of_the_popup_has_its_session_event() {
    let world = World::start().await;
    let event = async |body: Value| {
        let given = world.must("embedded_signup", body).await;
        (given["code"].is_string(), given["session_event"].clone())
    };
    let wrapped =
        |event: &str, data: Value| json!({"type": "WA_EMBEDDED_SIGNUP", "event": event, "version": 3, "data": data});

    let none = json!([]);
    let finish = json!({"waba_id": WABA[0], "business_id": BUSINESS[0], "phone_number_id": NUMBER[1], "waba_ids": [WABA[0]],
        "ad_account_ids": none, "page_ids": none, "dataset_ids": none, "catalog_ids": none, "instagram_account_ids": none});
    assert_eq!(event(json!({"phone_number_id": NUMBER[1]})).await, (true, wrapped("FINISH", finish)));
    let only = json!({"waba_id": WABA[1], "business_id": BUSINESS[0]});
    let asked = json!({"waba_id": WABA[1], "event": "FINISH_ONLY_WABA"});
    assert_eq!(event(asked).await, (true, wrapped("FINISH_ONLY_WABA", only)));
    let coexistence = "FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING";
    assert_eq!(event(json!({"event": coexistence})).await, (true, wrapped(coexistence, json!({"waba_id": WABA[2]}))));
    let both = json!({"waba_id": WABA[0], "business_id": BUSINESS[0], "phone_number_id": NUMBER[0]});
    for name in ["FINISH_GRANT_ONLY_API_ACCESS", "FINISH_OBO_MIGRATION"] {
        assert_eq!(event(json!({"event": name})).await, (true, wrapped(name, both.clone())));
    }
    let step = json!({"current_step": "PERMISSIONS"});
    let asked = json!({"event": "CANCEL", "current_step": "PERMISSIONS"});
    assert_eq!(event(asked).await, (false, wrapped("CANCEL", step)));
    let (code, reported) = event(json!({"event": "CANCEL", "error_message": "No."})).await;
    assert_eq!(
        (code, &reported["data"]["error_message"], &reported["data"]["error_id"]),
        (false, &json!("No."), &json!("524126"))
    );
    assert_eq!(event(json!({"event": "ERROR"})).await.1["data"], json!({"error_message": "Something went wrong"}));
    assert_eq!(world.sim("embedded_signup", json!({"event": "FINISHED"})).await.status, 400);
}

#[tokio::test]
async fn a_popup_code_is_exchanged_with_no_or_an_empty_redirect_uri() {
    let world = World::start().await;
    let code = async || world.must("embedded_signup", json!({})).await["code"].as_str().unwrap().to_owned();

    let (bare, empty, other) = (code().await, code().await, code().await);

    assert_eq!(world.exchange(&format!("code={bare}")).await.status, 200);
    assert_eq!(world.exchange(&format!("code={empty}&redirect_uri=")).await.status, 200);
    assert_eq!(world.exchange(&format!("code={other}&redirect_uri={REDIRECT}")).await.error(), (100, Some(36008)));
}

#[tokio::test]
async fn the_partner_is_told_of_a_client_with_its_own_portfolio_as_entry() {
    let world = World::start().await;

    world.must("embedded_signup", json!({"waba_id": WABA[2]})).await;

    let heard = world.app.hears(1).await;
    assert!(heard[0].is_signed());
    assert_eq!(
        heard[0].entry(),
        json!({"id": BUSINESS[0], "time": world.now(), "changes": [{"field": "account_update", "value": {
            "event": "PARTNER_ADDED",
            "waba_info": {"waba_id": WABA[2], "owner_business_id": BUSINESS[1], "partner_app_id": APP},
        }}]})
    );
}

#[tokio::test]
async fn a_lost_code_is_no_loss_to_the_partners_system_user() {
    let world = World::start().await;
    let partner = world.system_token(0).await;
    let path = format!("{}/system_user_access_tokens", BUSINESS[1]);
    let fetch = async |token: &str| world.post(&path, token, json!({"fetch_only": true})).await;
    assert_eq!(fetch(&partner).await.error().0, 100);
    world.must("embedded_signup", json!({"waba_id": WABA[2]})).await;

    let made = fetch(&partner).await.body["access_token"].clone();
    let again = fetch(&partner).await.body["access_token"].clone();

    assert!(made.is_string());
    assert_eq!(made, again);
    assert_eq!(world.get(NUMBER[4], made.as_str().unwrap()).await.status, 200);
    let early = world.must("embedded_signup", json!({"waba_id": WABA[2]})).await["code"].clone();
    world.must("revoke", json!({"waba_id": WABA[2], "subcode": 458})).await;
    assert_eq!(world.exchange(&format!("code={}", early.as_str().unwrap())).await.error(), (190, Some(458)));
    assert_eq!(fetch(&world.system_token(0).await).await.error().0, 100, "the client has left");
    world.must("embedded_signup", json!({"waba_id": WABA[2]})).await;
    let anew = fetch(&partner).await.body["access_token"].clone();
    assert!(anew.is_string() && anew != made);
    assert_eq!(world.get(NUMBER[4], anew.as_str().unwrap()).await.status, 200);
    assert_eq!(world.get(NUMBER[4], made.as_str().unwrap()).await.error(), (190, Some(458)));
    let other = world.must("businesses", json!({})).await["id"].as_str().unwrap().to_owned();
    let path = format!("{other}/system_user_access_tokens");
    assert_eq!(world.post(&path, &partner, json!({"fetch_only": true})).await.error().0, 100, "it never came");
    let headers = [("authorization", format!("Bearer {partner}"))];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let bare = world.request(Method::POST, &format!("/v25.0/{path}?fetch_only=true"), &headers, "").await.unwrap();
    assert_eq!(bare.body["error"]["message"], "API calls from the server require an appsecret_proof argument");
}

#[tokio::test]
async fn a_system_token_may_live_sixty_days_and_be_renewed() {
    let world = World::start().await;
    let system = world.system_token(0).await;
    let path = format!("{}/system_user_access_tokens", BUSINESS[0]);

    let made = world.post(&path, &system, json!({"set_token_expires_in_60_days": true})).await.body;
    world.advance(59 * 24 * 3600);
    let token = made["access_token"].as_str().unwrap();
    let renewed = world.exchange(&format!("grant_type=fb_exchange_token&fb_exchange_token={token}")).await.body;
    world.advance(2 * 24 * 3600);

    assert_eq!(world.get(WABA[0], token).await.error(), (190, Some(463)));
    assert_eq!(world.get(WABA[0], renewed["access_token"].as_str().unwrap()).await.status, 200);
    assert_eq!(kinds(&world, &[&made, &renewed]).await, ["system", "system"]);
}

#[tokio::test]
async fn a_revoked_token_gets_190_with_its_subcode() {
    let world = World::start().await;
    let token = world.business_token(WABA[2]).await;

    world.must("revoke", json!({"token": token, "subcode": 460})).await;

    let answer = world.get(WABA[2], &token).await;
    assert_eq!((answer.status, answer.error()), (401, (190, Some(460))));
    let debugged = world.get(&format!("debug_token?input_token={token}"), &app_token()).await.body;
    assert_eq!((&debugged["data"]["is_valid"], &debugged["data"]["error"]["subcode"]), (&json!(false), &json!(460)));
    assert_eq!(world.sim("revoke", json!({"token": "EAAnobody"})).await.status, 404);
    assert_eq!(world.sim("revoke", json!({})).await.status, 400);
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_tokens_and_its_webhooks_along() {
    let world = World::start().await;
    let token = world.subscribed(WABA[2]).await;
    let other = world.business_token(WABA[0]).await;

    world.must("revoke", json!({"waba_id": WABA[2], "notify": true})).await;

    let heard = world.app.hears(1).await;
    assert_eq!((heard[0].entry()["id"].clone(), heard[0].field()), (json!(BUSINESS[0]), "account_update".to_owned()));
    assert_eq!(
        heard[0].value(),
        json!({"event": "PARTNER_REMOVED", "waba_info": {"waba_id": WABA[2], "owner_business_id": BUSINESS[1]}})
    );
    assert_eq!(world.get(WABA[2], &token).await.error(), (190, Some(458)));
    assert_eq!(world.get(WABA[0], &other).await.status, 200);
    let inbound = json!({"phone_number_id": NUMBER[3], "type": "text", "text": {"body": "Hello?"}});
    assert_eq!(world.must("inbound", inbound).await["deliveries"], json!([]));
}

#[tokio::test]
async fn deauthorizing_and_data_deletion_come_as_signed_requests() {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;

    let world = World::start().await;
    let urls = json!({"deauthorize_url": format!("{}/gone", world.app.base), "data_deletion_url": format!("{}/delete", world.app.base)});
    world.must("app", urls).await;
    let token = world.business_token(WABA[0]).await;

    let told = world.must("revoke", json!({"token": token, "notify": "deauthorize"})).await;
    let asked = world.must("data_deletion", json!({"user_id": "600700800900101"})).await;

    assert_eq!(told["notified"][0]["status"], 200);
    assert_eq!(asked["status"], 200);
    for (heard, path) in world.app.hears(2).await.iter().zip(["/gone", "/delete"]) {
        assert_eq!(heard.path, path);
        let text = String::from_utf8(heard.raw.to_vec()).unwrap();
        let (signature, payload) = text.strip_prefix("signed_request=").unwrap().split_once('.').unwrap();
        let signature = BASE64.decode(signature).unwrap();
        assert_eq!(hex(&signature), hmac_hex(SECRET, payload.as_bytes()));
        let payload: Value = serde_json::from_slice(&BASE64.decode(payload).unwrap()).unwrap();
        let now = world.now();
        assert_eq!(
            payload,
            json!({"algorithm": "HMAC-SHA256", "issued_at": now, "expires": now + 3600, "user_id": "600700800900101"})
        );
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

#[tokio::test]
async fn a_token_can_be_revoked_by_the_app_and_its_permissions_removed() {
    let world = World::start().await;
    let (first, second) = (world.business_token(WABA[0]).await, world.business_token(WABA[2]).await);

    let path = format!("/oauth/revoke?client_id={APP}&client_secret={SECRET}&revoke_token={first}");
    assert_eq!(world.request(Method::GET, &path, &[], "").await.unwrap().body, json!({"success": true}));
    assert_eq!(world.delete("me/permissions", &second).await.body, json!({"success": true}));

    assert_eq!(world.get(WABA[0], &first).await.error(), (190, Some(458)));
    assert_eq!(world.get(WABA[2], &second).await.error(), (190, Some(458)));
}

#[tokio::test]
async fn the_popup_and_its_sdk_are_served() {
    let world = World::start().await;

    let sdk = world.request(Method::GET, "/en_US/sdk.js", &[], "").await.unwrap();
    let path = format!(
        "/v25.0/dialog/oauth?client_id={APP}&display=popup&channel=http%3A%2F%2F127.0.0.1%3A9000&config_id=1\
                        &extras=%7B%22featureType%22%3A%22whatsapp_business_app_onboarding%22%7D"
    );
    let popup = world.request(Method::GET, &path, &[], "").await.unwrap();
    let page = String::from_utf8_lossy(&popup.bytes);

    assert_eq!((sdk.status, sdk.header("content-type")), (200, "text/javascript; charset=utf-8"));
    assert!(page.contains("value=\"http://127.0.0.1:9000\"") && page.contains(NUMBER[4]) && !page.contains(NUMBER[0]));
}
