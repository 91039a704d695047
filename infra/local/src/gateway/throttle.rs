//! Throttling: a token bucket for each route.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use crate::template::{Api, Throttle};

/// The buckets of one API. A route without a limit has none.
#[derive(Debug)]
pub(super) struct Throttles {
    buckets: Mutex<BTreeMap<String, Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    per_second: f64,
    burst: f64,
    tokens: f64,
    refilled: Instant,
}

impl Throttles {
    pub(super) fn new(api: &Api) -> Self {
        let mut buckets = BTreeMap::new();
        for route in &api.routes {
            let key = route.path.to_string();
            let own = api.route_throttles.get(&key).copied().unwrap_or_default();
            let limits = Throttle {
                per_second: own.per_second.or(api.throttle.per_second),
                burst: own.burst.or(api.throttle.burst),
            };
            if let Throttle { per_second: Some(per_second), burst: Some(burst) } = limits {
                let burst = f64::from(burst);
                buckets.insert(key, Bucket { per_second, burst, tokens: burst, refilled: Instant::now() });
            }
        }
        Self { buckets: Mutex::new(buckets) }
    }

    /// Takes one token; `false` when the route has none left.
    pub(super) fn admit(&self, route_key: &str) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bucket) = buckets.get_mut(route_key) else { return true };
        let now = Instant::now();
        let refill = now.duration_since(bucket.refilled).as_secs_f64() * bucket.per_second;
        bucket.tokens = (bucket.tokens + refill).min(bucket.burst);
        bucket.refilled = now;
        let admitted = bucket.tokens >= 1.0;
        if admitted {
            bucket.tokens -= 1.0;
        }
        admitted
    }
}
