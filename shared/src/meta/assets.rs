//! What a token reaches: businesses, their WhatsApp accounts, and the numbers of those.

use std::{fmt::Display, str::FromStr};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    graph::Session,
    wire::{self, Page},
};
pub use crate::domain::meta_assets::{
    CanSend, CodeVerification, Health, HealthProblem, NameStatus, Number, NumberStatus, Platform, Quality,
    ReviewStatus, Waba,
};
use crate::domain::{
    meta_error::{Class, MetaError},
    meta_id::{BusinessId, PhoneNumberId, WabaId},
};

const PAGE: &str = "100";
/// Nobody has so many; a list that never ends is no list.
const PAGES: usize = 100;

const WABA_FIELDS: &str = "id,name,currency,timezone_id,owner_business_info,account_review_status,status,\
                           primary_funding_id,health_status";
const NUMBER_FIELDS: &str = "id,display_phone_number,verified_name,name_status,code_verification_status,quality_rating,\
                             status,platform_type,is_on_biz_app,is_pin_enabled,throughput,messaging_limit_tier,\
                             whatsapp_business_manager_messaging_limit,webhook_configuration,health_status";

impl Session<'_> {
    /// The portfolios the token's owner belongs to. Takes a permission that few tokens have.
    pub async fn businesses(&self) -> Result<Vec<BusinessId>, MetaError> {
        self.ids("me/businesses").await
    }

    /// The WABAs a business owns, then those that others share with it.
    pub async fn wabas_of(&self, business: &BusinessId) -> Result<Vec<WabaId>, MetaError> {
        let mut wabas: Vec<WabaId> = self.ids(&format!("{business}/owned_whatsapp_business_accounts")).await?;
        for waba in self.ids(&format!("{business}/client_whatsapp_business_accounts")).await? {
            if !wabas.contains(&waba) {
                wabas.push(waba);
            }
        }
        Ok(wabas)
    }

    pub async fn waba(&self, id: &WabaId) -> Result<Waba, MetaError> {
        let waba: WabaBody = self.get(id.as_str(), &[("fields", WABA_FIELDS)]).await?;
        Ok(waba.into())
    }

    pub async fn numbers_of(&self, waba: &WabaId) -> Result<Vec<Number>, MetaError> {
        let numbers: Vec<NumberBody> = self.list(&format!("{waba}/phone_numbers"), NUMBER_FIELDS, &[]).await?;
        Ok(numbers.into_iter().map(Number::from).collect())
    }

    pub async fn number(&self, id: &PhoneNumberId) -> Result<Number, MetaError> {
        let number: NumberBody = self.get(id.as_str(), &[("fields", NUMBER_FIELDS)]).await?;
        Ok(number.into())
    }

    /// Whether messages may be sent from this number: by trying to send one that has no recipient. Meta asks for
    /// permission before it asks for the recipient, and whatever else it finds wrong with the message is a yes.
    pub async fn may_message(&self, number: &PhoneNumberId) -> Result<bool, MetaError> {
        let sent: Result<Value, _> =
            self.post(&format!("{number}/messages"), &[("messaging_product", "whatsapp")]).await;
        let Err(error) = sent else { return Ok(true) };
        match error.class() {
            Class::AbilityMissing => Ok(false),
            Class::TokenInvalid | Class::AppMisconfigured | Class::NotFound | Class::Throttled | Class::Temporary => {
                Err(error)
            }
            _ => Ok(true),
        }
    }

    async fn ids<T: FromStr<Err: Display>>(&self, path: &str) -> Result<Vec<T>, MetaError> {
        #[derive(Deserialize)]
        #[serde(bound(deserialize = "T: FromStr<Err: Display>"))]
        struct Node<T> {
            #[serde(deserialize_with = "wire::id")]
            id: T,
        }
        let nodes: Vec<Node<T>> = self.list(path, "id", &[]).await?;
        Ok(nodes.into_iter().map(|node| node.id).collect())
    }

    /// Every page of a list. An element that cannot be read is left out, for the others' sake.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        fields: &str,
        filter: &[(&'static str, &str)],
    ) -> Result<Vec<T>, MetaError> {
        let mut all = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..PAGES {
            let mut query = [&[("fields", fields), ("limit", PAGE)], filter].concat();
            query.extend(after.as_deref().map(|after| ("after", after)));
            let page: Page<Value> = self.get(path, &query).await?;
            all.extend(page.data.into_iter().filter_map(|element| serde_json::from_value(element).ok()));
            let next = page.paging.next();
            if next.is_none() || next == after {
                return Ok(all);
            }
            after = next;
        }
        tracing::warn!(path, elements = all.len(), "a list of Meta's does not end: the rest is left out");
        Ok(all)
    }
}

#[derive(Deserialize)]
struct WabaBody {
    #[serde(deserialize_with = "wire::id")]
    id: WabaId,
    #[serde(default, deserialize_with = "wire::text")]
    name: Option<String>,
    #[serde(default, deserialize_with = "wire::text")]
    currency: Option<String>,
    #[serde(default, deserialize_with = "wire::text")]
    timezone_id: Option<String>,
    #[serde(default, deserialize_with = "wire::lenient")]
    owner_business_info: Option<Owner>,
    #[serde(default, deserialize_with = "wire::lenient")]
    account_review_status: Option<ReviewStatus>,
    #[serde(default, deserialize_with = "wire::text")]
    status: Option<String>,
    #[serde(default, deserialize_with = "wire::text")]
    primary_funding_id: Option<String>,
    #[serde(default, deserialize_with = "wire::lenient")]
    health_status: Option<HealthBody>,
}

#[derive(Deserialize)]
struct Owner {
    #[serde(deserialize_with = "wire::id")]
    id: BusinessId,
}

impl From<WabaBody> for Waba {
    fn from(body: WabaBody) -> Self {
        Self {
            id: body.id,
            name: body.name,
            currency: body.currency,
            timezone_id: body.timezone_id,
            business_id: body.owner_business_info.map(|owner| owner.id),
            account_review_status: body.account_review_status,
            status: body.status,
            primary_funding_id: body.primary_funding_id.filter(|id| !id.is_empty()),
            health: body.health_status.map(Health::from),
        }
    }
}

#[derive(Deserialize)]
struct NumberBody {
    #[serde(deserialize_with = "wire::id")]
    id: PhoneNumberId,
    #[serde(default, deserialize_with = "wire::text")]
    display_phone_number: Option<String>,
    #[serde(default, deserialize_with = "wire::text")]
    verified_name: Option<String>,
    #[serde(default, deserialize_with = "wire::lenient")]
    name_status: Option<NameStatus>,
    #[serde(default, deserialize_with = "wire::lenient")]
    code_verification_status: Option<CodeVerification>,
    #[serde(default, deserialize_with = "wire::lenient")]
    quality_rating: Option<Quality>,
    #[serde(default, deserialize_with = "wire::lenient")]
    status: Option<NumberStatus>,
    #[serde(default, deserialize_with = "wire::lenient")]
    platform_type: Option<Platform>,
    #[serde(default, deserialize_with = "wire::lenient")]
    is_on_biz_app: Option<bool>,
    #[serde(default, deserialize_with = "wire::lenient")]
    is_pin_enabled: Option<bool>,
    #[serde(default)]
    throughput: Value,
    #[serde(default, deserialize_with = "wire::text")]
    messaging_limit_tier: Option<String>,
    #[serde(default, deserialize_with = "wire::text")]
    whatsapp_business_manager_messaging_limit: Option<String>,
    #[serde(default)]
    webhook_configuration: Option<Value>,
    #[serde(default, deserialize_with = "wire::lenient")]
    health_status: Option<HealthBody>,
}

impl From<NumberBody> for Number {
    fn from(body: NumberBody) -> Self {
        Self {
            id: body.id,
            display_phone_number: body.display_phone_number,
            verified_name: body.verified_name,
            name_status: body.name_status,
            code_verification_status: body.code_verification_status,
            quality_rating: body.quality_rating,
            status: body.status,
            platform_type: body.platform_type,
            is_on_biz_app: body.is_on_biz_app.unwrap_or(false),
            is_pin_enabled: body.is_pin_enabled,
            throughput: body.throughput["level"].as_str().or(body.throughput.as_str()).map(str::to_owned),
            // The portfolio's limit holds since October 2025; the number's own is what there was before.
            messaging_limit: body.whatsapp_business_manager_messaging_limit.or(body.messaging_limit_tier),
            webhook_configuration: body.webhook_configuration,
            health: body.health_status.map(Health::from),
        }
    }
}

#[derive(Deserialize)]
struct HealthBody {
    can_send_message: CanSend,
    #[serde(default)]
    entities: Vec<Value>,
}

impl From<HealthBody> for Health {
    fn from(body: HealthBody) -> Self {
        let problems = body.entities.iter().flat_map(problems_of).collect();
        Self { can_send_message: body.can_send_message, problems }
    }
}

/// What is wrong with one entity: its errors, or, where it is not well and names none, what it says besides.
fn problems_of(entity: &Value) -> Vec<HealthProblem> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let state = CanSend::from(text(&entity["can_send_message"]).unwrap_or_default());
    let problem = |code, description, solution| HealthProblem {
        entity: text(&entity["entity_type"]).unwrap_or_default(),
        can_send_message: state.clone(),
        code,
        description,
        solution,
    };
    let errors = entity["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    if errors.is_empty() && matches!(state, CanSend::Limited | CanSend::Blocked) {
        return vec![problem(None, text(&entity["additional_info"][0]), None)];
    }
    let of_error = |error: &Value| {
        problem(error["error_code"].as_i64(), text(&error["error_description"]), text(&error["possible_solution"]))
    };
    errors.iter().map(of_error).collect()
}
