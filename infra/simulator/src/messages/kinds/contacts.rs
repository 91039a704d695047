//! Contact cards.

use super::Sending;
use crate::graph::GraphError;
use crate::messages::shape::{Part, Rule, Shape, optional, required};

const MOST: usize = 257;
const LINE: Rule = Rule::Maybe(1024);

pub(super) const CONTACT: Shape = Shape(&[
    required("name", Rule::Object(&NAME)),
    optional("addresses", Rule::List(0, 100, &Rule::Object(&ADDRESS))),
    optional("birthday", Rule::Maybe(10)),
    optional("emails", Rule::List(0, 100, &Rule::Object(&EMAIL))),
    optional("org", Rule::Object(&ORGANIZATION)),
    optional("phones", Rule::List(0, 100, &Rule::Object(&PHONE))),
    optional("urls", Rule::List(0, 100, &Rule::Object(&URL))),
]);

const NAME: Shape = Shape(&[
    required("formatted_name", Rule::Text(1024)),
    optional("first_name", LINE),
    optional("last_name", LINE),
    optional("middle_name", LINE),
    optional("prefix", LINE),
    optional("suffix", LINE),
]);

const ADDRESS: Shape = Shape(&[
    optional("street", LINE),
    optional("city", LINE),
    optional("state", LINE),
    optional("zip", LINE),
    optional("country", LINE),
    optional("country_code", LINE),
    optional("type", LINE),
]);

const EMAIL: Shape = Shape(&[optional("email", LINE), optional("type", LINE)]);
const ORGANIZATION: Shape = Shape(&[optional("company", LINE), optional("department", LINE), optional("title", LINE)]);
const PHONE: Shape =
    Shape(&[optional("phone", LINE), optional("wa_id", LINE), optional("user_id", LINE), optional("type", LINE)]);
const URL: Shape = Shape(&[optional("url", LINE), optional("type", LINE)]);

/// A name needs more than its formatted form, a birthday is a date.
pub(super) fn check(_: &Sending<'_>, part: &Part<'_>) -> Result<(), GraphError> {
    part.must_follow(&Rule::List(1, MOST, &Rule::Object(&CONTACT)))?;
    for contact in part.items() {
        let name = contact.need("name")?;
        let others = ["first_name", "last_name", "middle_name", "prefix", "suffix"];
        if !others.iter().any(|other| name.get(other).is_some()) {
            let details = format!("{} needs formatted_name and at least one of {}", name.name, others.join(", "));
            return Err(GraphError::of(131008).details(details));
        }
        if let Some(birthday) = contact.get("birthday")
            && birthday.text().parse::<jiff::civil::Date>().is_err()
        {
            return Err(birthday.bad("must be a date like 2012-08-18."));
        }
    }
    Ok(())
}
