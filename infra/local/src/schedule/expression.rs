//! `rate(5 minutes)` and `cron(0 8 ? * MON-FRI *)`, as `EventBridge` Scheduler reads them, in UTC.

use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;

/// When a schedule fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    Rate(Duration),
    Cron(Box<Cron>),
}

/// A cron expression of six fields; each holds the values it allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    minutes: Vec<u16>,
    hours: Vec<u16>,
    /// `None` for `?`.
    days_of_month: Option<Vec<u16>>,
    last_day_of_month: bool,
    months: Vec<u16>,
    /// Sunday is 1. `None` for `?`.
    days_of_week: Option<Vec<u16>>,
    years: Vec<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{expression} is no schedule: {problem}")]
pub struct BadExpression {
    expression: String,
    problem: String,
}

impl Expression {
    /// The first moment after `now` at which it fires; a cron may have none left.
    pub fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Rate(period) => now.checked_add(*period).ok(),
            Self::Cron(cron) => cron.next_after(now),
        }
    }
}

impl FromStr for Expression {
    type Err = BadExpression;

    fn from_str(text: &str) -> Result<Self, BadExpression> {
        let bad = |problem: String| BadExpression { expression: text.to_owned(), problem };
        let inside = |name: &str| text.strip_prefix(name).and_then(|rest| rest.strip_prefix('(')?.strip_suffix(')'));
        if let Some(rate) = inside("rate") {
            return parse_rate(rate).map(Self::Rate).map_err(bad);
        }
        match inside("cron") {
            Some(cron) => parse_cron(cron).map(|cron| Self::Cron(Box::new(cron))).map_err(bad),
            None => Err(bad("it must be rate(…) or cron(…)".to_owned())),
        }
    }
}

fn parse_rate(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.trim().split_once(' ').ok_or("it needs a number and a unit")?;
    let number: u64 = number.parse().map_err(|_| format!("{number} is not a number"))?;
    let seconds = match (number, unit.trim()) {
        (0, _) => return Err("the number must be above zero".to_owned()),
        (1, "minute") | (2.., "minutes") => 60,
        (1, "hour") | (2.., "hours") => 3_600,
        (1, "day") | (2.., "days") => 86_400,
        (_, unit) => return Err(format!("the unit {unit} does not fit {number}")),
    };
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(|| "it is too long".to_owned())
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

fn parse_cron(text: &str) -> Result<Cron, String> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [minutes, hours, day_of_month, month, day_of_week, year] = fields.as_slice() else {
        return Err(format!("it has {} fields, not six", fields.len()));
    };
    if (*day_of_month == "?") == (*day_of_week == "?") {
        return Err("exactly one of day-of-month and day-of-week must be ?".to_owned());
    }
    let last_day_of_month = *day_of_month == "L";
    Ok(Cron {
        minutes: values(minutes, 0, 59, &[])?,
        hours: values(hours, 0, 23, &[])?,
        days_of_month: match *day_of_month {
            "?" => None,
            "L" => Some(Vec::new()),
            field => Some(values(field, 1, 31, &[])?),
        },
        last_day_of_month,
        months: values(month, 1, 12, &MONTHS)?,
        days_of_week: if *day_of_week == "?" { None } else { Some(values(day_of_week, 1, 7, &DAYS)?) },
        years: values(year, 1970, 2199, &[])?,
    })
}

fn values(field: &str, lowest: u16, highest: u16, names: &[&str]) -> Result<Vec<u16>, String> {
    let number = |text: &str| {
        let position = names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let number = position.and_then(|index| u16::try_from(index).ok()).map(|index| index + lowest);
        let number = number.or_else(|| text.parse().ok()).filter(|number| (lowest..=highest).contains(number));
        number.ok_or_else(|| format!("{text} is not between {lowest} and {highest}"))
    };
    let mut allowed = Vec::new();
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => {
                let step =
                    step.parse::<usize>().ok().filter(|step| *step > 0).ok_or_else(|| format!("{step} is no step"))?;
                (range, Some(step))
            }
            None => (part, None),
        };
        let (from, to) = match (range, range.split_once('-'), step) {
            ("*", ..) => (lowest, highest),
            (_, Some((from, to)), _) => (number(from)?, number(to)?),
            (one, None, Some(_)) => (number(one)?, highest),
            (one, None, None) => (number(one)?, number(one)?),
        };
        allowed.extend((from..=to).step_by(step.unwrap_or(1)));
    }
    allowed.sort_unstable();
    allowed.dedup();
    if allowed.is_empty() { Err(format!("{field} allows nothing")) } else { Ok(allowed) }
}

impl Cron {
    fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        let now = now.to_zoned(TimeZone::UTC).datetime();
        let mut date = now.date();
        // Four years hold every combination of day, month and weekday but those of 29 February; eight hold them all.
        for _ in 0..366 * 8 {
            if self.allows(date) {
                let found = self.times(date).find(|time| *time > now);
                if let Some(time) = found {
                    return time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
                }
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn allows(&self, date: Date) -> bool {
        let is = |allowed: &[u16], value: i16| u16::try_from(value).is_ok_and(|value| allowed.contains(&value));
        let month_day = match &self.days_of_month {
            None => true,
            Some(_) if self.last_day_of_month => date.day() == date.days_in_month(),
            Some(days) => is(days, date.day().into()),
        };
        let week_day = |days: &Vec<u16>| is(days, i16::from(date.weekday().since(Weekday::Sunday)) + 1);
        is(&self.years, date.year())
            && is(&self.months, date.month().into())
            && month_day
            && self.days_of_week.as_ref().is_none_or(week_day)
    }

    fn times(&self, date: Date) -> impl Iterator<Item = DateTime> {
        let hours = self.hours.iter().filter_map(|hour| i8::try_from(*hour).ok());
        hours.flat_map(move |hour| {
            let minutes = self.minutes.iter().filter_map(|minute| i8::try_from(*minute).ok());
            minutes.map(move |minute| date.at(hour, minute, 0, 0))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(expression: &str, after: &str) -> Option<String> {
        let expression: Expression = expression.parse().unwrap();
        expression.next_after(after.parse().unwrap()).map(|at| at.to_string())
    }

    #[test]
    fn a_rate_counts_from_now() {
        assert_eq!(next("rate(1 minute)", "2026-01-01T00:00:30Z").as_deref(), Some("2026-01-01T00:01:30Z"));
        assert_eq!(next("rate(12 hours)", "2026-01-01T00:00:00Z").as_deref(), Some("2026-01-01T12:00:00Z"));
    }

    #[test]
    fn a_cron_fires_at_the_next_time_its_fields_allow() {
        let cases = [
            ("cron(0/15 * * * ? *)", "2026-01-01T00:14:59Z", "2026-01-01T00:15:00Z"),
            ("cron(0 8 ? * MON-FRI *)", "2026-01-02T08:00:00Z", "2026-01-05T08:00:00Z"),
            ("cron(30 23 L * ? *)", "2026-02-01T00:00:00Z", "2026-02-28T23:30:00Z"),
            ("cron(0 0 29 2 ? *)", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("cron(5,10 1 1 JAN ? 2027)", "2026-06-01T00:00:00Z", "2027-01-01T01:05:00Z"),
        ];
        for (expression, after, expected) in cases {
            assert_eq!(next(expression, after).as_deref(), Some(expected), "{expression}");
        }
        assert_eq!(next("cron(0 0 1 1 ? 2020)", "2026-01-01T00:00:00Z"), None);
    }

    #[test]
    fn what_scheduler_would_refuse_is_refused() {
        let bad = [
            "rate(1 minutes)",
            "rate(2 minute)",
            "rate(0 minutes)",
            "rate(5)",
            "rate(5 weeks)",
            "cron(* * * *)",
            "cron(0 8 * * MON *)",
            "cron(60 * * * ? *)",
            "cron(0 24 * * ? *)",
            "cron(0 0 ? * 8 *)",
            "cron(0/0 * * * ? *)",
            "every(1 minute)",
            "rate(1 minute",
        ];
        for expression in bad {
            assert!(expression.parse::<Expression>().is_err(), "{expression}");
        }
    }
}
