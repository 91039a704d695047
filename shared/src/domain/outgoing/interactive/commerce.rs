//! Products, catalogs and orders.

use super::list::sections_of;
use crate::domain::check::{ANY, Part, each, filled, number, object, scalar, word};

const MOST_PRODUCTS: usize = 30;

pub(super) fn product(action: &Part<'_>) {
    action.need("catalog_id", scalar(ANY));
    item(action);
}

fn item(product: &Part<'_>) {
    product.need("product_retailer_id", scalar(ANY));
}

pub(super) fn products(action: &Part<'_>) {
    action.need("catalog_id", scalar(ANY));
    let content = |sections: &Part<'_>| sections_of(sections, "product_items", each(1, MOST_PRODUCTS, item));
    let sections = action.need("sections", content);
    if let Some(sections) = sections {
        let items = sections.items().filter_map(|section| section.get("product_items"));
        let count = items.flat_map(|items| items.items()).count();
        if count > MOST_PRODUCTS && sections.items().count() > 1 {
            sections.wrong(format!("must have at most {MOST_PRODUCTS} products in all, it has {count}"));
        }
    }
}

pub(super) fn catalog(action: &Part<'_>) {
    action.need("name", word("catalog_message"));
    action.may("parameters", |parameters| parameters.may("thumbnail_product_retailer_id", scalar(ANY)));
}

pub(super) fn order(action: &Part<'_>) {
    action.need("name", word("review_and_pay"));
    action.need("parameters", |order| {
        order.need("reference_id", filled);
        order.need("type", filled);
        order.need("currency", filled);
        order.need("total_amount", amount);
        order.need("order", |order| {
            order.need("status", filled);
            order.need("items", each(1, ANY, object));
        });
    });
}

fn amount(amount: &Part<'_>) {
    amount.need("value", number(0.0, f64::MAX));
    amount.need("offset", number(0.0, f64::MAX));
}

/// Of the order, of its payment, or of both.
pub(super) fn status(action: &Part<'_>) {
    action.need("name", word("review_order"));
    action.need("parameters", |parameters| {
        parameters.need("reference_id", filled);
        if parameters.get("payment").is_none() {
            parameters.need("order", |order| order.need("status", filled));
        }
    });
}
