//! Which operation a request means: what is served, and what the description has beside it.

use http::StatusCode;

use crate::answer::Answer;
use crate::call::Handler;
use crate::highlevel::access::Access;
use crate::highlevel::plain::Plan;
use crate::spec::{Bundle, Checks, Described};

/// The versions that HighLevel keeps side by side; any of them may be sent with any operation.
pub const VERSIONS: [&str; 5] = ["2021-01-01", "2021-04-15", "2021-07-28", "2023-02-21", "v3"];

/// An operation that is served.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    pub method: &'static str,
    pub template: &'static str,
    pub access: Access,
    pub scope: Option<&'static str>,
    pub handler: Handler,
}

impl Route {
    pub const fn new(
        method: &'static str,
        template: &'static str,
        access: Access,
        scope: Option<&'static str>,
        handler: Handler,
    ) -> Self {
        Self {
            method,
            template,
            access,
            scope,
            handler,
        }
    }
}

/// An operation of a service: described, served, or both.
#[derive(Debug)]
pub struct Operation {
    pub method: String,
    pub template: String,
    /// The description's operation id; method and path where nothing is described.
    pub name: String,
    /// `None`: described, but not served.
    pub route: Option<Route>,
    /// `None`: served, but not described.
    pub checks: Option<Checks>,
    /// Private integrations are refused, as the description says.
    pub for_apps: bool,
    /// Serves it in place of the route's handler, where it has none of its own.
    pub plain: Option<Plan>,
}

#[derive(Debug)]
pub struct Operations {
    all: Vec<Operation>,
}

impl Operation {
    /// What does the work, or the answer that nothing does yet.
    pub fn served(&self) -> Result<Route, Answer> {
        self.route.ok_or_else(|| {
            let message = format!("The sandbox does not serve {} yet", self.name);
            Answer::refused(StatusCode::NOT_IMPLEMENTED, message)
        })
    }
}

/// What a request's method and path lead to.
#[derive(Debug)]
pub enum Found<'o, 'p> {
    Operation(&'o Operation, Vec<&'p str>),
    /// The path exists in other letter case.
    WrongCase,
    Nothing,
}

impl Operations {
    pub fn new(resources: &[&[Route]], bundle: Bundle) -> Self {
        let routes = || resources.iter().copied().flatten();
        let mut all: Vec<Operation> = bundle
            .into_operations()
            .map(|described| (own_route(resources, &described), described))
            .map(|(route, described)| Operation {
                plain: described.plain.clone().filter(|_| route.is_none()),
                route: route.or_else(|| Some(described.plain.as_ref()?.route(&described.method))),
                method: described.method,
                template: described.template,
                name: described.name,
                checks: Some(described.checks),
                for_apps: described.for_apps,
            })
            .collect();
        for route in routes() {
            let is_described = all.iter().any(|known| {
                known.method == route.method && same_shape(route.template, &known.template)
            });
            if !is_described {
                all.push(Operation {
                    method: route.method.to_owned(),
                    template: route.template.to_owned(),
                    name: format!("{} {}", route.method, route.template),
                    route: Some(*route),
                    checks: None,
                    for_apps: false,
                    plain: None,
                });
            }
        }
        Self { all }
    }

    pub fn find<'p>(&self, method: &str, path: &'p str) -> Found<'_, 'p> {
        let matching = self
            .all
            .iter()
            .filter(|operation| operation.method == method);
        // Literal segments win over parameters, from the left: `/contacts/search` over `/contacts/{contactId}`.
        let best = matching
            .filter_map(|operation| Some((operation, arguments(&operation.template, path)?)))
            .min_by_key(|(operation, _)| {
                segments(&operation.template)
                    .map(is_parameter)
                    .collect::<Vec<_>>()
            });
        if let Some((operation, arguments)) = best {
            return Found::Operation(operation, arguments);
        }
        let lower = path.to_lowercase();
        let same_letters = |operation: &&Operation| {
            operation.method == method
                && arguments(&operation.template.to_lowercase(), &lower).is_some()
        };
        if self.all.iter().any(|operation| same_letters(&operation)) {
            Found::WrongCase
        } else {
            Found::Nothing
        }
    }
}

/// The route that somebody has written for an operation.
fn own_route(resources: &[&[Route]], described: &Described) -> Option<Route> {
    let mut routes = resources.iter().copied().flatten();
    let found = routes.find(|route| {
        route.method == described.method && same_shape(route.template, &described.template)
    });
    found.copied()
}

/// The values of the template's parameters, if the path has its form. Slashes count, but for one: clients in production
/// send `/contacts`, `/calendars`, `/users` or `/opportunities` where `/contacts/` and its like are described.
fn arguments<'p>(template: &str, path: &'p str) -> Option<Vec<&'p str>> {
    if template.strip_suffix('/') == Some(path) {
        return Some(Vec::new());
    }
    let mut arguments = Vec::new();
    let mut actual = path.split('/');
    for expected in segments(template) {
        let segment = actual.next()?;
        if is_parameter(expected) {
            if segment.is_empty() {
                return None;
            }
            arguments.push(segment);
        } else if expected != segment {
            return None;
        }
    }
    actual.next().is_none().then_some(arguments)
}

fn segments(template: &str) -> impl Iterator<Item = &str> {
    template.split('/')
}

fn is_parameter(segment: &str) -> bool {
    segment.starts_with('{')
}

/// The same path, whatever its parameters are called.
fn same_shape(left: &str, right: &str) -> bool {
    let normal = |template: &str| -> Vec<String> {
        segments(template)
            .map(|segment| {
                if is_parameter(segment) {
                    "{}".to_owned()
                } else {
                    segment.to_owned()
                }
            })
            .collect()
    };
    normal(left) == normal(right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::highlevel::routes::ROUTES;
    use crate::service::Service;

    fn name_of(method: &str, path: &str) -> Option<String> {
        let operations = Operations::new(ROUTES, Bundle::empty());
        match operations.find(method, path) {
            Found::Operation(operation, _) => Some(operation.name.clone()),
            Found::WrongCase => Some("wrong case".to_owned()),
            Found::Nothing => None,
        }
    }

    #[test]
    fn what_is_described_but_not_served_is_named() {
        let bundle = r#"{ "paths": {
            "/surveys/": { "get": { "operationId": "get-surveys" } },
            "/contacts/{id}": { "get": { "operationId": "read-contact" } }
        } }"#;
        let operations = Operations::new(ROUTES, Bundle::read(bundle).unwrap());
        let Found::Operation(surveys, _) = operations.find("GET", "/surveys/") else {
            panic!("a described path is known");
        };
        let refusal = surveys.served().unwrap_err();
        assert_eq!(refusal.status, StatusCode::NOT_IMPLEMENTED);
        assert!(
            refusal.body["message"]
                .as_str()
                .unwrap()
                .contains("get-surveys")
        );
        let Found::Operation(contact, arguments) = operations.find("GET", "/contacts/abc") else {
            panic!("a served path is known");
        };
        assert_eq!(
            (contact.name.as_str(), arguments),
            ("read-contact", vec!["abc"])
        );
        assert!(
            contact.served().is_ok(),
            "parameters may be called otherwise"
        );
    }

    #[test]
    fn every_route_is_described_and_every_description_served() {
        for service in [Service::HighLevel, Service::Ecologi] {
            for operation in &service.operations().unwrap().all {
                assert!(
                    operation.checks.is_some(),
                    "{} is not described",
                    operation.name
                );
                assert!(
                    operation.served().is_ok(),
                    "{} is not served",
                    operation.name
                );
            }
        }
    }

    #[test]
    fn routes_ask_for_the_tokens_and_scopes_that_are_described() {
        let text = include_str!("../openapi/highlevel.json");
        let document: serde_json::Value = serde_json::from_str(text).unwrap();
        for route in ROUTES.iter().copied().flatten() {
            let paths = document["paths"].as_object().unwrap();
            let method = route.method.to_lowercase();
            let mut known = paths.iter().filter(|(path, item)| {
                same_shape(path, route.template) && item[&method].is_object()
            });
            let described = &known.next().unwrap().1[&method];
            let scopes = serde_json::json!(route.scope.as_slice());
            assert_eq!(described["x-scopes"], scopes, "{route:?}");
            let kinds = match route.access {
                Access::Agency => serde_json::json!(["agency"]),
                Access::Either => serde_json::json!(["agency", "location"]),
                Access::Location => serde_json::json!(["location"]),
                Access::Open => continue,
            };
            // What is for apps alone says so with `-app`.
            let described = described["x-token-kinds"].to_string().replace("-app", "");
            assert_eq!(described, kinds.to_string(), "{route:?}");
        }
    }

    #[test]
    fn literal_segments_win_and_slashes_count() {
        let is = |method, path, expected: Option<&str>| {
            assert_eq!(
                name_of(method, path).as_deref(),
                expected,
                "{method} {path}"
            );
        };
        let search = "POST /contacts/search";
        is("POST", "/contacts/search", Some(search));
        let duplicate = "GET /contacts/search/duplicate";
        is("GET", "/contacts/search/duplicate", Some(duplicate));
        let all = "DELETE /contacts/{contactId}/campaigns/removeAll";
        is("DELETE", "/contacts/a/campaigns/removeAll", Some(all));
        let one = "DELETE /contacts/{contactId}/campaigns/{campaignId}";
        is("DELETE", "/contacts/a/campaigns/b", Some(one));
        is("GET", "/contacts/", Some("GET /contacts/"));
        is("GET", "/contacts", Some("GET /contacts/"));
        is("POST", "/opportunities", Some("POST /opportunities/"));
        is("GET", "/opportunities", None);
        is("GET", "/opportunities/search/", None);
        is("GET", "/contacts/abc/", None);
        is("DELETE", "/contacts/a/campaigns/removeall", Some(one));
        is("GET", "/Contacts/abc", Some("wrong case"));
    }
}
