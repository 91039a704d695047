//! Which route takes a request: API Gateway's order, most specific first.

use std::collections::BTreeMap;

use http::Method;

use crate::template::{Route, RoutePath};

/// A route that takes a request, with its path parameters, decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Match<'a> {
    pub(super) route: &'a Route,
    pub(super) parameters: BTreeMap<String, String>,
}

/// How a route matched.
#[derive(Default)]
struct Fit {
    segments: Vec<Segment>,
    own_method: bool,
    parameters: BTreeMap<String, String>,
}

impl Fit {
    /// Segment by segment, then the method: its own before ANY. `$default` fits worst of all.
    fn rank(&self) -> (&[Segment], bool) {
        (&self.segments, self.own_method)
    }
}

/// How one segment of a route's path matched; the order is the preference.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Greedy,
    Parameter,
    Literal,
}

/// Finds the route for a decoded path.
pub(super) fn find<'a>(routes: &'a [Route], method: &Method, path: &str) -> Option<Match<'a>> {
    let fitting = routes.iter().filter_map(|route| Some((route, fit(route, method, path)?)));
    let best = fitting.max_by(|(_, left), (_, right)| left.rank().cmp(&right.rank()));
    best.map(|(route, fit)| Match { route, parameters: fit.parameters })
}

fn fit(route: &Route, method: &Method, path: &str) -> Option<Fit> {
    let RoutePath::Path { method: wanted, path: pattern } = &route.path else { return Some(Fit::default()) };
    let mut fit = Fit { own_method: wanted != "ANY", ..Fit::default() };
    if fit.own_method && wanted != method.as_str() {
        return None;
    }
    let mut rest = path.strip_prefix('/')?;
    let mut patterns = pattern.strip_prefix('/')?.split('/').peekable();
    while let Some(pattern) = patterns.next() {
        if let Some(name) = pattern.strip_prefix('{').and_then(|name| name.strip_suffix("+}")) {
            fit.segments.push(Segment::Greedy);
            fit.parameters.insert(name.to_owned(), rest.to_owned());
            return (!rest.is_empty()).then_some(fit);
        }
        let (segment, after) = rest.split_once('/').map_or((rest, None), |(segment, after)| (segment, Some(after)));
        match pattern.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(_) if segment.is_empty() => return None,
            Some(name) => {
                fit.parameters.insert(name.to_owned(), segment.to_owned());
                fit.segments.push(Segment::Parameter);
            }
            None if segment == pattern => fit.segments.push(Segment::Literal),
            None => return None,
        }
        match (after, patterns.peek()) {
            (Some(after), Some(_)) => rest = after,
            (None, None) => return Some(fit),
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(keys: &[&str]) -> Vec<Route> {
        let route = |key: &&str| {
            let path = match key.split_once(' ') {
                Some((method, path)) => RoutePath::Path { method: method.to_owned(), path: path.to_owned() },
                None => RoutePath::Default,
            };
            Route { path, function: "F".to_owned() }
        };
        keys.iter().map(route).collect()
    }

    fn chosen(keys: &[&str], method: &str, path: &str) -> Option<(String, BTreeMap<String, String>)> {
        let routes = routes(keys);
        let found = find(&routes, &method.parse().unwrap(), path)?;
        Some((found.route.path.to_string(), found.parameters))
    }

    #[test]
    fn the_most_specific_route_wins_whatever_the_order_of_writing() {
        // The example of AWS's own documentation.
        let keys = [
            "$default",
            "ANY /{proxy+}",
            "GET /pets/{proxy+}",
            "ANY /pets/dog/1",
            "GET /pets/dog/{id}",
            "GET /pets/dog/1",
        ];
        let cases = [
            ("GET", "/pets/dog/1", "GET /pets/dog/1"),
            ("POST", "/pets/dog/1", "ANY /pets/dog/1"),
            ("GET", "/pets/dog/2", "GET /pets/dog/{id}"),
            ("GET", "/pets/cat/1", "GET /pets/{proxy+}"),
            ("POST", "/test/5", "ANY /{proxy+}"),
            ("GET", "/", "$default"),
        ];
        for (method, path, expected) in cases {
            assert_eq!(chosen(&keys, method, path).unwrap().0, expected, "{method} {path}");
            let backwards: Vec<_> = keys.iter().rev().copied().collect();
            assert_eq!(chosen(&backwards, method, path).unwrap().0, expected, "{method} {path}");
        }
    }

    #[test]
    fn parameters_take_what_they_stand_for() {
        let (_, parameters) = chosen(&["GET /a/{b}/c/{d+}"], "GET", "/a/1 2/c/x/y").unwrap();

        assert_eq!(
            parameters,
            BTreeMap::from([("b".to_owned(), "1 2".to_owned()), ("d".to_owned(), "x/y".to_owned())])
        );
    }

    #[test]
    fn what_fits_no_route_goes_nowhere() {
        let keys = ["GET /a", "GET /a/{id}", "POST /b/{rest+}"];
        for (method, path) in
            [("GET", "/a/"), ("GET", "/a/1/2"), ("PUT", "/a"), ("POST", "/b"), ("POST", "/b/"), ("GET", "/")]
        {
            assert_eq!(chosen(&keys, method, path), None, "{method} {path}");
        }
    }
}
