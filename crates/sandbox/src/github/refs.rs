//! Branches as references: `/git/ref/…`, `/git/refs`, and `/branches`.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::names::{is_branch, is_commit};
use super::show::{Show, node};
use super::{not_found, problem, troubled};
use crate::call::Call;
use crate::reply::{self, Handled};
use crate::world::World;

/// `GET /git/ref/heads/{branch}`.
pub(super) fn get(world: &World, call: &Call, name: &[&str]) -> Handled {
    let ["heads", branch @ ..] = name else {
        return Ok(not_found());
    };
    let branch = branch.join("/");
    if !is_branch(&branch) {
        return Ok(not_found());
    }
    let held = world.git().map_err(troubled)?;
    let commit = held.repository.resolve(&format!("refs/heads/{branch}"));
    Ok(match commit.map_err(troubled)? {
        Some(commit) => reply::json(StatusCode::OK, &show(world, call, &branch, &commit)),
        None => not_found(),
    })
}

/// `POST /git/refs`.
pub(super) fn create(world: &World, call: &Call) -> Handled {
    let unprocessable = |message: &str| Ok(problem(StatusCode::UNPROCESSABLE_ENTITY, message));
    let body = call.json_object().unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let Some(branch) = text("ref")
        .strip_prefix("refs/heads/")
        .filter(|name| is_branch(name))
    else {
        return unprocessable(&format!("{} is not a valid ref name.", text("ref")));
    };
    let commit = text("sha").to_lowercase();
    if !is_commit(&commit) {
        return unprocessable("The sha parameter must be exactly 40 characters and contain only [0-9a-f].");
    }
    let held = world.git().map_err(troubled)?;
    if held.repository.resolve(&commit).map_err(troubled)?.is_none() {
        return unprocessable("Object does not exist");
    }
    if !held.repository.make_branch(branch, &commit).map_err(troubled)? {
        return unprocessable("Reference already exists");
    }
    let now = world.now();
    world.write(|state| {
        state.github.pushed(branch, &commit, now);
        Ok(())
    })?;
    Ok(reply::json(
        StatusCode::CREATED,
        &show(world, call, branch, &commit),
    ))
}

fn show(world: &World, call: &Call, branch: &str, commit: &str) -> Value {
    let api = Show::new(world, call).api;
    json!({
        "ref": format!("refs/heads/{branch}"),
        "node_id": node("Ref", branch.len() as u64),
        "url": format!("{api}/git/refs/heads/{branch}"),
        "object": { "type": "commit", "sha": commit, "url": format!("{api}/git/commits/{commit}") },
    })
}
