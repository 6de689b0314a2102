//! Every route against every role, out of the OpenAPI document: it is public by name, or it refuses
//! nobody, the wrong role and the wrong scope, and lets the right ones through.

use reqwest::Method;
use serde_json::{Value, json};

use crate::site::{Browser, Site, ask};

/// The roles, each with a user of its own.
const ROLES: [&str; 4] = ["viewer", "operator", "approver", "admin"];
/// The scopes, each with a token of its own, made by an admin.
const SCOPES: [&str; 5] = ["read", "run", "write", "approve", "admin"];
/// What everybody may ask for, by name.
const PUBLIC: [&str; 5] = [
    "get_health",
    "get_readiness",
    "sign_in",
    "look_at_link",
    "use_link",
];
/// Pages that everybody may open, outside the document.
const PAGES: [&str; 9] = [
    "/",
    "/openapi.json",
    "/reference",
    "/errors",
    "/errors/{code}",
    "/welcome",
    "/welcome.js",
    "/page.js",
    "/page.css",
];
/// These end the session that asks for them, so they come last.
const ENDING: [&str; 2] = ["sign_out", "sign_out_everywhere"];

/// What changes something or is sent like a change, and yet every viewer may ask for it, or a token that may
/// only read: role, scope and why.
const LOW: [(&str, &str, &str, &str); 6] = [
    ("check_recipe", "viewer", "read", "it keeps nothing"),
    (
        "sign_out",
        "viewer",
        "read",
        "it ends the session that asks; a token has none",
    ),
    ("sign_out_everywhere", "viewer", "admin", "one's own sessions"),
    (
        "change_password",
        "viewer",
        "admin",
        "one's own password, by the old one",
    ),
    ("make_token", "viewer", "admin", "one's own token"),
    (
        "revoke_token",
        "viewer",
        "admin",
        "one's own token, unless an admin asks",
    ),
];

struct Route {
    method: Method,
    path: String,
    template: String,
    id: String,
    role: String,
    scope: String,
}

fn routes(document: &Value) -> Vec<Route> {
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let text = |key: &str| operation[key].as_str().unwrap_or_default().to_owned();
            routes.push(Route {
                method: method.to_uppercase().parse().expect("a method"),
                path: filled(path),
                template: path.clone(),
                id: text("operationId"),
                role: text("x-role"),
                scope: text("x-scope"),
            });
        }
    }
    routes.sort_by_key(|route| ENDING.contains(&route.id.as_str()));
    routes
}

/// The path with names of things that aren't there.
fn filled(path: &str) -> String {
    let zeros = "0".repeat(32);
    let parts = path.split('/').map(|part| match part {
        "{run}" => format!("run_{zeros}"),
        "{approval}" => format!("apr_{zeros}"),
        "{artifact}" => format!("art_{zeros}"),
        "{token}" => format!("tok_{zeros}"),
        "{version}" => "999".to_owned(),
        part if part.starts_with('{') => "not-there".to_owned(),
        part => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Status and code of an answer; streams are not read.
async fn answer(who: &Browser, route: &Route) -> (u16, String) {
    let request = who.request(route.method.clone(), &route.path);
    if route.id.starts_with("watch_") {
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        if status == 200 {
            return (status, String::new());
        }
        let body: Value = answer.json().await.expect("a problem");
        return (status, body["code"].as_str().unwrap_or_default().to_owned());
    }
    let got = ask(request).await;
    let code = got.body["code"].as_str().unwrap_or_default().to_owned();
    (got.status.as_u16(), code)
}

fn implies(role: &str, asked: &str) -> bool {
    role == asked || role == "admin" || asked == "viewer"
}

fn covers(scope: &str, asked: &str) -> bool {
    scope == asked || asked == "read" || (scope == "admin" && asked != "approve")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_public_by_name_or_refuses_the_wrong_role() {
    let site = Site::open().await;
    let document = site.nobody().get("/openapi.json").await.ok(200);
    assert_eq!(document["openapi"], "3.1.0");
    let routes = routes(&document);
    assert!(routes.len() > 50, "{}", routes.len());
    assert_eq!(api::page_paths(), PAGES, "a page is public and not named here");
    for page in PAGES {
        let path = page.replace("{code}", "not_found");
        assert_eq!(site.nobody().get(&path).await.status, 200, "{page}");
    }
    let mut people = Vec::new();
    for role in ROLES {
        people.push((role, site.user(&format!("{role}-user"), &[role]).await));
    }
    for route in &routes {
        let place = format!("{} {}", route.method, route.path);
        let (status, code) = answer(&site.nobody(), route).await;
        let operation = &document["paths"][&route.template][route.method.as_str().to_lowercase()];
        let security = if route.role == "public" {
            json!([])
        } else {
            json!([{"session": []}, {"token": []}])
        };
        assert_eq!(
            operation["security"], security,
            "{place}: what a generated client sends"
        );
        if route.role == "public" {
            assert!(
                PUBLIC.contains(&route.id.as_str()),
                "{place} is public and not named here"
            );
            assert!(status != 401 && status != 403, "{place}: {status} {code}");
            continue;
        }
        assert!(
            ROLES.contains(&route.role.as_str()),
            "{place} asks for the role '{}'",
            route.role
        );
        assert!(
            SCOPES.contains(&route.scope.as_str()),
            "{place} asks for the scope '{}'",
            route.scope
        );
        assert_eq!(
            (status, code.as_str()),
            (401, "sign_in_needed"),
            "{place}: nobody"
        );
        for (role, browser) in &people {
            let (status, code) = answer(browser, route).await;
            if ENDING.contains(&route.id.as_str()) {
                assert_ne!(status, 403, "{place}: {role}");
            } else if implies(role, &route.role) {
                assert!(
                    status != 401 && status != 403,
                    "{place}: {role} got {status} {code}"
                );
            } else {
                assert_eq!((status, code.as_str()), (403, "role_missing"), "{place}: {role}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_refuses_tokens_without_its_scope() {
    let site = Site::open().await;
    let document = site.nobody().get("/openapi.json").await.ok(200);
    let mut tokens = Vec::new();
    for scope in SCOPES {
        tokens.push((scope, site.admin.make_token(&[scope]).await));
    }
    for route in routes(&document).iter().filter(|route| route.role != "public") {
        let place = format!("{} {}", route.method, route.path);
        for (scope, token) in &tokens {
            let (status, code) = answer(token, route).await;
            if covers(scope, &route.scope) {
                assert!(
                    code != "scope_missing" && status != 401,
                    "{place}: {scope} got {status} {code}"
                );
            } else {
                assert_eq!(
                    (status, code.as_str()),
                    (403, "scope_missing"),
                    "{place}: {scope}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_ask_for_more_than_looking_does() {
    let site = Site::open().await;
    let document = site.nobody().get("/openapi.json").await.ok(200);
    // The gate reads the document, so that a role that is too low in it can only be found from outside.
    let mut found: Vec<(String, String, String)> = routes(&document)
        .into_iter()
        .filter(|route| route.method != Method::GET && route.role != "public")
        .filter(|route| route.role == "viewer" || route.scope == "read")
        .map(|route| (route.id, route.role, route.scope))
        .collect();
    found.sort();
    let mut named = LOW.map(|(id, role, scope, _)| (id.to_owned(), role.to_owned(), scope.to_owned()));
    named.sort();
    assert_eq!(found, named, "by name, with a reason");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_person_or_a_token_for_everything_signs_its_owner_out_everywhere() {
    let site = Site::open().await;
    let everywhere = "/api/v1/sessions";
    for scope in ["read", "run", "write", "approve"] {
        let token = site.admin.make_token(&[scope]).await;
        token.delete(everywhere).await.refused(403, "scope_missing");
    }
    let token = site.admin.make_token(&["read"]).await;
    token.delete("/api/v1/session").await.ok(204);
    site.admin.get("/api/v1/session").await.ok(200);

    let viewer = site.user("ann", &["viewer"]).await;
    viewer.delete(everywhere).await.ok(204);
    viewer.get("/api/v1/session").await.refused(401, "signed_out");
    let token = site.admin.make_token(&["admin"]).await;
    token.delete(everywhere).await.ok(204);
    site.admin.get("/api/v1/session").await.refused(401, "signed_out");
}
