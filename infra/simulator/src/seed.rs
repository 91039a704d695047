//! The world everyone starts in. These ids are documented in the README: they never change.

use crate::meta::Options;
use crate::world::{App, Business, Coexistence, Grant, Number, Token, TokenKind, Waba, World};
use crate::{signature, signup, templates};

pub const BUSINESSES: [&str; 2] = ["100200300400501", "100200300400502"];
pub const WABAS: [&str; 3] = ["200300400500601", "200300400500602", "200300400500603"];
pub const NUMBERS: [&str; 5] =
    ["300400500600701", "300400500600702", "300400500600703", "300400500600704", "300400500600705"];

pub(crate) fn world(options: &Options, now: i64) -> World {
    let mut world = World::default();
    *world.app = app(options);
    businesses(&mut world, now);
    wabas(&mut world, now);
    for waba in WABAS {
        templates::hello_world(&mut world, waba, now);
    }
    numbers(&mut world, now);
    tokens(&mut world, now);
    world
}

fn app(options: &Options) -> App {
    App {
        id: options.app_id.clone(),
        secret: options.app_secret.clone(),
        name: "Simulated app".to_owned(),
        business_id: BUSINESSES[0].to_owned(),
        verify_token: options.verify_token.clone(),
        callback_url: options.callback_url.clone(),
        deauthorize_url: options.deauthorize_url.clone(),
        data_deletion_url: options.data_deletion_url.clone(),
        require_proof: true,
        reorder: false,
        enforce_usage: false,
        login_token: TokenKind::Business,
        business_token_days: None,
        scopes: signup::SCOPES.map(str::to_owned).to_vec(),
        fields: None,
    }
}

fn businesses(world: &mut World, now: i64) {
    for (index, (name, admin)) in
        [("Harbour Bakery", "Ada Okafor"), ("Blumen Grün", "Jörg Weiß")].into_iter().enumerate()
    {
        let id = BUSINESSES[index].to_owned();
        let business = Business {
            name: name.to_owned(),
            verification_status: "verified".to_owned(),
            admin_id: format!("4005006007008{:02}", index + 1),
            admin_name: admin.to_owned(),
            integration_user_id: format!("6007008009001{:02}", index + 1),
            system_user_id: format!("6007008009002{:02}", index + 1),
            created_at: now,
            id: id.clone(),
        };
        world.businesses.put(id, business);
    }
}

fn wabas(world: &mut World, now: i64) {
    let rows =
        [("Harbour Bakery", 0, "EUR", "PT"), ("Harbour Catering", 0, "EUR", "PT"), ("Blumen Grün", 1, "EUR", "DE")];
    for (id, (name, business, currency, country)) in WABAS.into_iter().zip(rows) {
        world.wabas.put(
            id,
            Waba {
                currency: currency.to_owned(),
                country: country.to_owned(),
                ..Waba::new(id, BUSINESSES[business], name, now)
            },
        );
    }
}

fn numbers(world: &mut World, now: i64) {
    let rows = [
        (0, "15550100001", "+1 555-010-0001", "Harbour Bakery"),
        (0, "15550100002", "+1 555-010-0002", "Harbour Bakery Orders"),
        (1, "15550100003", "+1 555-010-0003", "Harbour Catering"),
        (2, "4915550100004", "+49 1555 0100004", "Blumen Grün"),
        (2, "4915550100005", "+49 1555 0100005", "Blumen Grün Werkstatt"),
    ];
    for (id, (waba, phone, display, name)) in NUMBERS.into_iter().zip(rows) {
        let number = Number::new(id, WABAS[waba], phone, display, name, now);
        let number = if id == NUMBERS[4] { number.on_the_business_app(now) } else { number };
        world.numbers.put(id, number);
    }
}

/// Each business has a system token for its own WABAs; the first is also the partner's, for it owns the app.
fn tokens(world: &mut World, now: i64) {
    let system: Vec<Token> = world
        .businesses
        .values()
        .map(|business| Token {
            secret: format!("EAASystem{}", &signature::hmac_hex(&world.app.secret, business.id.as_bytes())[..48]),
            grant: Grant {
                kind: TokenKind::System,
                user_id: business.system_user_id.clone(),
                business_id: business.id.clone(),
                wabas: world.wabas_of(&business.id).rev().map(|waba| waba.id.clone()).collect(),
                scopes: world.app.scopes.clone(),
            },
            issued_at: now,
            expires_at: 0,
            revoked: None,
        })
        .collect();
    for token in system {
        world.tokens.put(token.secret.clone(), token);
    }
}

impl Waba {
    pub(crate) fn new(id: &str, business: &str, name: &str, now: i64) -> Self {
        Self {
            id: id.to_owned(),
            business_id: business.to_owned(),
            name: name.to_owned(),
            currency: "USD".to_owned(),
            timezone_id: "1".to_owned(),
            country: "US".to_owned(),
            message_template_namespace: format!("{}_{}", &id[..id.len().min(8)], signature::short_hash(id)),
            account_review_status: "APPROVED".to_owned(),
            status: "ACTIVE".to_owned(),
            primary_funding_id: Some(format!("9{}", &id[1..])),
            is_enabled_for_insights: true,
            subscription: None,
            assigned_users: Vec::new(),
            created_at: now,
        }
    }
}

impl Number {
    pub(crate) fn new(id: &str, waba: &str, phone: &str, display: &str, name: &str, now: i64) -> Self {
        Self {
            id: id.to_owned(),
            waba_id: waba.to_owned(),
            phone: phone.to_owned(),
            display_phone_number: display.to_owned(),
            verified_name: name.to_owned(),
            name_status: "APPROVED".to_owned(),
            new_display_name: None,
            new_name_status: "NONE".to_owned(),
            code_verification_status: "VERIFIED".to_owned(),
            verification: None,
            quality_rating: "GREEN".to_owned(),
            status: "CONNECTED".to_owned(),
            account_mode: "LIVE".to_owned(),
            throughput: "STANDARD".to_owned(),
            messaging_limit: "TIER_250".to_owned(),
            registered: false,
            pin: None,
            register_calls: Vec::new(),
            register_blocked_until: 0,
            is_on_biz_app: false,
            coexistence: Coexistence::default(),
            is_official_business_account: false,
            search_visibility: "NON_VISIBLE".to_owned(),
            username: None,
            override_callback_uri: None,
            reads: true,
            rate: None,
            last_onboarded_at: now,
            created_at: now,
        }
    }

    /// The number keeps running on the owner's phone; it is never registered here.
    pub(crate) fn on_the_business_app(self, now: i64) -> Self {
        let coexistence = Coexistence { onboarded_at: now, ..Coexistence::default() };
        Self { is_on_biz_app: true, registered: true, coexistence, ..self }
    }
}
