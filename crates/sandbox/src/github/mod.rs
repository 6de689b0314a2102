//! GitHub's REST API under `/github/`, over one repository, `avops/runbooks`: issues and pull requests in
//! the state, branches and files in a real git repository. `/github/web/…` are the pages for people.

mod contents;
pub(crate) mod git;
pub(crate) mod home;
mod inspect;
mod issues;
mod names;
pub(crate) mod pulls;
mod refs;
mod show;
pub(crate) mod state;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::call::Call;
use crate::credentials::GITHUB_TOKEN;
use crate::reply::{self, Answer, Fail, Handled};
use crate::vendor;
use crate::world::World;
pub use inspect::{PullDiff, pull_diff};
use show::{NAME, OWNER, Show};

/// Requests an hour, as the headers of the limit say.
const HOURLY_LIMIT: &str = "5000";
const DOCUMENTATION: &str = "https://docs.github.com/rest";

/// Answers for it.
pub(crate) struct Desk;

impl vendor::Desk for Desk {
    fn tools(&self) -> &'static [(&'static str, &'static str)] {
        &[("github", "")]
    }

    fn secrets(&self) -> &'static [(&'static str, &'static str)] {
        &[("token", GITHUB_TOKEN)]
    }

    fn blocks(&self) -> bool {
        true
    }

    fn handle(&self, world: &World, call: &Call) -> Handled {
        let answer = handle(world, call)?;
        let reset = (world.now().as_millis().div_euclid(3_600_000) + 1) * 3_600;
        let answer = reply::with_header(answer, "x-ratelimit-limit", HOURLY_LIMIT);
        let answer = reply::with_header(answer, "x-ratelimit-remaining", "4999");
        Ok(reply::with_header(
            answer,
            "x-ratelimit-reset",
            &reset.to_string(),
        ))
    }

    fn rate_limited(&self, retry_after_s: u32) -> Answer {
        let say = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
        let answer = problem(StatusCode::TOO_MANY_REQUESTS, say);
        reply::with_header(answer, "retry-after", &retry_after_s.to_string())
    }

    fn token_expired(&self) -> Answer {
        problem(StatusCode::UNAUTHORIZED, "Bad credentials")
    }

    fn server_error(&self, status: StatusCode) -> Answer {
        problem(status, "Server Error")
    }

    fn too_large(&self) -> Answer {
        problem(StatusCode::PAYLOAD_TOO_LARGE, "The request body is too large")
    }
}

fn handle(world: &World, call: &Call) -> Handled {
    let route = call.route();
    let number = |text: &str| text.parse::<u64>().unwrap_or(0);
    if let ("GET", ["web", OWNER, NAME, "issues" | "pull", one]) = (call.method.as_str(), route.as_slice()) {
        return Ok(pulls::page(world, number(one))?.unwrap_or_else(not_found));
    }
    // Older clients say `token`, as GitHub still takes it.
    let token = call
        .header("authorization")
        .and_then(|sent| sent.strip_prefix("token "));
    match call.bearer().or(token) {
        Some(GITHUB_TOKEN) => {}
        Some(_) => return Ok(problem(StatusCode::UNAUTHORIZED, "Bad credentials")),
        None => return Ok(problem(StatusCode::UNAUTHORIZED, "Requires authentication")),
    }
    if let ("GET", ["user"]) = (call.method.as_str(), route.as_slice()) {
        return Ok(reply::json(
            StatusCode::OK,
            &Show::new(world, call).me(world.now()),
        ));
    }
    let ["repos", owner, name, rest @ ..] = route.as_slice() else {
        return Ok(not_found());
    };
    if !owner.eq_ignore_ascii_case(OWNER) || !name.eq_ignore_ascii_case(NAME) {
        return Ok(not_found());
    }
    match (call.method.as_str(), rest) {
        ("GET", []) => {
            let open = world.read(|state| state.github.issues.values().filter(|issue| issue.open).count());
            let shown = Show::new(world, call).repository(world.now(), open);
            Ok(reply::json(StatusCode::OK, &shown))
        }
        ("GET", ["issues"]) => Ok(issues::list(world, call)),
        ("POST", ["issues"]) => issues::create(world, call),
        ("GET", ["issues", one]) => Ok(issues::get(world, call, number(one))),
        ("PATCH", ["issues", one]) => issues::change(world, call, number(one)),
        ("GET", ["issues", one, "comments"]) => Ok(issues::comments(world, call, number(one))),
        ("POST", ["issues", one, "comments"]) => issues::comment(world, call, number(one)),
        ("GET", ["git", "ref" | "refs", name @ ..]) => refs::get(world, call, name),
        ("POST", ["git", "refs"]) => refs::create(world, call),
        ("GET", ["contents", path @ ..]) => contents::get(world, call, &path.join("/")),
        ("PUT", ["contents", path @ ..]) => contents::put(world, call, &path.join("/")),
        ("GET", ["commits"]) => contents::commits(world, call),
        ("GET", ["pulls"]) => pulls::list(world, call),
        ("POST", ["pulls"]) => pulls::create(world, call),
        ("GET", ["pulls", one]) => pulls::get(world, call, number(one)),
        _ => Ok(not_found()),
    }
}

/// The error envelope.
fn problem(status: StatusCode, message: &str) -> Answer {
    let body = json!({
        "message": message, "documentation_url": DOCUMENTATION, "status": status.as_str(),
    });
    reply::json(status, &body)
}

fn not_found() -> Answer {
    problem(StatusCode::NOT_FOUND, "Not Found")
}

/// 422 with what is wrong, field by field.
fn unprocessable(errors: &[Value]) -> Answer {
    let body = json!({
        "message": "Validation Failed", "errors": errors, "documentation_url": DOCUMENTATION, "status": "422",
    });
    reply::json(StatusCode::UNPROCESSABLE_ENTITY, &body)
}

fn missing(resource: &str, field: &str) -> Value {
    json!({ "resource": resource, "field": field, "code": "missing_field" })
}

fn invalid(resource: &str, field: &str) -> Value {
    json!({ "resource": resource, "field": field, "code": "invalid" })
}

/// Git failed: the vendor is broken, and says how.
fn troubled(trouble: git::Trouble) -> Fail {
    tracing::error!(
        error = &trouble as &dyn std::error::Error,
        "the sandbox's git repository"
    );
    let message = format!("Server Error: {trouble}");
    Fail::from(problem(StatusCode::INTERNAL_SERVER_ERROR, &message))
}

/// A page of a list by `per_page` and `page`.
fn paged(call: &Call, all: impl Iterator<Item = Value>) -> Answer {
    let (most, page) = (
        call.number("per_page", 30, 1, 100),
        call.number("page", 1, 1, 1_000),
    );
    let shown: Vec<Value> = all.skip((page - 1) * most).take(most).collect();
    reply::json(StatusCode::OK, &Value::Array(shown))
}
