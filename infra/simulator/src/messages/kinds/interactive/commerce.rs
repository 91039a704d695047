//! Products, catalogs and orders.

use super::{FOOTER_FIELD, HEADER_FIELD, TYPE, all_differ};
use crate::graph::GraphError;
use crate::messages::kinds::Sending;
use crate::messages::shape::{Field, Part, Rule, Shape, optional, required};

const BODY: Shape = Shape(&[required("text", Rule::Text(1024))]);
const BODY_FIELD: Field = required("body", Rule::Object(&BODY));

pub(super) const CATALOG: Shape = Shape(&[
    TYPE,
    BODY_FIELD,
    FOOTER_FIELD,
    required(
        "action",
        Rule::Object(&Shape(&[
            required("name", Rule::OneOf(&["catalog_message"])),
            optional("parameters", Rule::Object(&Shape(&[optional("thumbnail_product_retailer_id", Rule::Text(100))]))),
        ])),
    ),
]);

pub(super) const PRODUCT: Shape = Shape(&[
    TYPE,
    optional("body", Rule::Object(&BODY)),
    FOOTER_FIELD,
    required(
        "action",
        Rule::Object(&Shape(&[
            required("catalog_id", Rule::Text(64)),
            required("product_retailer_id", Rule::Text(100)),
        ])),
    ),
]);

pub(super) const PRODUCT_LIST: Shape = Shape(&[
    TYPE,
    required("header", Rule::Object(&super::HEADER)),
    BODY_FIELD,
    FOOTER_FIELD,
    required(
        "action",
        Rule::Object(&Shape(&[
            required("catalog_id", Rule::Text(64)),
            required("sections", Rule::List(1, 10, &Rule::Object(&SECTION))),
        ])),
    ),
]);

const SECTION: Shape =
    Shape(&[optional("title", Rule::Maybe(24)), required("product_items", Rule::List(1, 30, &Rule::Object(&ITEM)))]);
const ITEM: Shape = Shape(&[required("product_retailer_id", Rule::Text(100))]);

pub(super) const ORDER_DETAILS: Shape = Shape(&[
    TYPE,
    HEADER_FIELD,
    BODY_FIELD,
    FOOTER_FIELD,
    required(
        "action",
        Rule::Object(&Shape(&[
            required("name", Rule::OneOf(&["review_and_pay"])),
            required("parameters", Rule::Object(&PAYMENT)),
        ])),
    ),
]);

const PAYMENT: Shape = Shape(&[
    required("reference_id", Rule::Text(60)),
    required("type", Rule::OneOf(&["digital-goods", "physical-goods"])),
    optional("payment_type", Rule::Text(64)),
    optional("payment_configuration", Rule::Text(60)),
    optional("payment_settings", Rule::Any),
    optional("beneficiaries", Rule::Any),
    required("currency", Rule::Text(3)),
    required("total_amount", Rule::Object(&AMOUNT)),
    required("order", Rule::Object(&ORDER)),
]);

const AMOUNT: Shape = Shape(&[
    required("value", Rule::Number(0.0, 1e15)),
    required("offset", Rule::Number(1.0, 1000.0)),
    optional("description", Rule::Maybe(60)),
    optional("discount_program_name", Rule::Maybe(60)),
]);

const ORDER: Shape = Shape(&[
    required("status", Rule::Text(32)),
    optional("catalog_id", Rule::Text(64)),
    optional("expiration", Rule::Any),
    required("items", Rule::List(1, 999, &Rule::Object(&ORDER_ITEM))),
    required("subtotal", Rule::Object(&AMOUNT)),
    required("tax", Rule::Object(&AMOUNT)),
    optional("shipping", Rule::Object(&AMOUNT)),
    optional("discount", Rule::Object(&AMOUNT)),
]);

const ORDER_ITEM: Shape = Shape(&[
    required("retailer_id", Rule::Text(100)),
    required("name", Rule::Text(60)),
    required("amount", Rule::Object(&AMOUNT)),
    optional("sale_amount", Rule::Object(&AMOUNT)),
    required("quantity", Rule::Number(1.0, 1e9)),
    optional("image", Rule::Any),
    optional("country_of_origin", Rule::Any),
    optional("importer_name", Rule::Any),
    optional("importer_address", Rule::Any),
]);

pub(super) const ORDER_STATUS: Shape = Shape(&[
    TYPE,
    HEADER_FIELD,
    BODY_FIELD,
    FOOTER_FIELD,
    required(
        "action",
        Rule::Object(&Shape(&[
            required("name", Rule::OneOf(&["review_order"])),
            required(
                "parameters",
                Rule::Object(&Shape(&[
                    required("reference_id", Rule::Text(60)),
                    required(
                        "order",
                        Rule::Object(&Shape(&[
                            required("status", Rule::OneOf(&STATUSES)),
                            optional("description", Rule::Maybe(120)),
                        ])),
                    ),
                    optional("payment", Rule::Any),
                ])),
            ),
        ])),
    ),
]);

const STATUSES: [&str; 7] =
    ["pending", "processing", "partially_shipped", "partially-shipped", "shipped", "completed", "canceled"];

const MOST_PRODUCTS: usize = 30;

/// Thirty products in all, a title on each section where there are several.
pub(super) fn check_list(_: &Sending<'_>, part: &Part<'_>) -> Result<(), GraphError> {
    let sections: Vec<Part<'_>> = part.need("action")?.need("sections")?.items().collect();
    if sections.len() > 1 {
        sections.iter().try_for_each(|section| section.need("title")?.must_follow(&Rule::Text(24)))?;
    }
    let lists = sections.iter().filter_map(|section| section.get("product_items"));
    let products: Vec<Part<'_>> = lists.flat_map(|items| items.items()).collect();
    if products.len() > MOST_PRODUCTS {
        let details = format!("Total product count exceed max allowed count: {MOST_PRODUCTS}");
        return Err(GraphError::of(131009).details(details));
    }
    all_differ(&products, "product_retailer_id")
}
