//! Moving an issue through its workflow. The transition sets an issue property along with the status,
//! so whether it happened can be looked up even when the status has moved on.

use serde_json::{Value, json};
use types::Failure;

use super::api;
use crate::arguments::text;
use crate::http::Request;
use crate::{Answer, CallContext, CallError};

/// The most transitions that a refusal lists.
const MOST_LISTED: usize = 20;

/// Where the issue stands, and the ways on.
struct Place {
    status: String,
    ways: Vec<Way>,
}

struct Way {
    id: String,
    name: String,
    to: String,
}

/// Performs the transition with this id, with this name, or to the status of this name.
pub(crate) async fn call(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let issue = text(args, "issue").unwrap_or_default();
    let wanted = text(args, "to").unwrap_or_default();
    let by_number = wanted.chars().all(|c| c.is_ascii_digit());
    let (id, status) = if by_number {
        (wanted.to_owned(), None)
    } else {
        let place = place(ctx, issue).await?;
        match choose(&place, wanted) {
            Some(way) => (way.id.clone(), Some(way.to.clone())),
            // It is where it shall be: nothing is sent.
            None if same(&place.status, wanted) => return Ok(answer(ctx, issue, Some(place.status))),
            None => return Err(no_way(issue, wanted, &place)),
        }
    };
    let body = json!({
        "transition": { "id": id },
        "properties": [{ "key": property(ctx), "value": { "to": wanted } }],
    });
    let request = Request::post(&["rest", "api", "3", "issue", issue, "transitions"])
        .json(body)
        .effect();
    api::send(ctx, request).await?;
    let status = match status {
        Some(status) => Some(status),
        None => status_now(ctx, issue).await,
    };
    Ok(answer(ctx, issue, status))
}

/// Looks for the issue property of this call.
pub(super) async fn look_up(ctx: &CallContext, args: &Value) -> Result<Option<Answer>, CallError> {
    let issue = text(args, "issue").unwrap_or_default();
    let request = Request::get(&["rest", "api", "3", "issue", issue])
        .query("fields", "status")
        .query("properties", property(ctx));
    let found = api::json(ctx, request).await?;
    let status = found["fields"]["status"]["name"].as_str().map(str::to_owned);
    match found["properties"].as_object() {
        Some(properties) if properties.contains_key(&property(ctx)) => Ok(Some(answer(ctx, issue, status))),
        Some(_) => Ok(None),
        None => Err(CallError::unknown(Failure::new(
            "look_up_unclear",
            "jira did not tell the issue's properties",
        ))),
    }
}

async fn place(ctx: &CallContext, issue: &str) -> Result<Place, CallError> {
    let request = Request::get(&["rest", "api", "3", "issue", issue])
        .query("fields", "status")
        .query("expand", "transitions");
    let found = api::json(ctx, request).await?;
    let status = found["fields"]["status"]["name"].as_str();
    let (Some(status), Some(ways)) = (status, found["transitions"].as_array()) else {
        return Err(api::unreadable(
            "jira told an issue without its status and transitions",
        ));
    };
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(Place {
        status: status.to_owned(),
        ways: ways
            .iter()
            .map(|way| Way {
                id: word(&way["id"]),
                name: word(&way["name"]),
                to: word(&way["to"]["name"]),
            })
            .collect(),
    })
}

/// A transition's own name goes before the name of the status that it leads to, unless the issue has
/// that status already.
fn choose<'a>(place: &'a Place, wanted: &str) -> Option<&'a Way> {
    let named = place.ways.iter().find(|way| same(&way.name, wanted));
    if same(&place.status, wanted) {
        return named.filter(|way| !same(&way.to, wanted));
    }
    named.or_else(|| place.ways.iter().find(|way| same(&way.to, wanted)))
}

fn same(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// The transition is done; that its result can't be told must not make it look lost.
async fn status_now(ctx: &CallContext, issue: &str) -> Option<String> {
    let request = Request::get(&["rest", "api", "3", "issue", issue])
        .query("fields", "status")
        .side();
    let found = api::json(ctx, request).await.ok()?;
    found["fields"]["status"]["name"].as_str().map(str::to_owned)
}

fn no_way(issue: &str, wanted: &str, place: &Place) -> CallError {
    let ways: Vec<String> = place
        .ways
        .iter()
        .take(MOST_LISTED)
        .map(|way| format!("'{}' to {}", way.name, way.to))
        .collect();
    let ways = match ways.is_empty() {
        true => "no transition at all".to_owned(),
        false => ways.join(", "),
    };
    let message = format!(
        "{issue} is {} and has no transition '{wanted}': there is {ways}",
        place.status
    );
    CallError::refused(
        Failure::new("tool_refused", message).hint("name one of these transitions, or move the issue first"),
    )
}

fn property(ctx: &CallContext) -> String {
    format!("agentops-{}", ctx.marker())
}

fn answer(ctx: &CallContext, issue: &str, status: Option<String>) -> Answer {
    let url = api::browse(ctx, issue);
    Answer::new(json!({ "key": issue, "status": status, "url": url })).with(types::Artifact {
        kind: types::ArtifactKind::Task,
        external_id: issue.to_owned(),
        url: Some(url),
        data: json!({ "key": issue }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(status: &str) -> Place {
        let way = |id: &str, name: &str, to: &str| Way {
            id: id.to_owned(),
            name: name.to_owned(),
            to: to.to_owned(),
        };
        Place {
            status: status.to_owned(),
            ways: vec![
                way("11", "Start work", "In Progress"),
                way("31", "Done", "Done"),
                way("41", "Reopen", "To Do"),
            ],
        }
    }

    #[test]
    fn a_transition_is_found_by_its_name_and_by_its_target() {
        let chosen = |status: &str, wanted: &str| choose(&place(status), wanted).map(|way| way.id.clone());
        assert_eq!(chosen("To Do", "start work"), Some("11".into()));
        assert_eq!(chosen("To Do", "In progress "), Some("11".into()));
        assert_eq!(chosen("To Do", "Done"), Some("31".into()));
        assert_eq!(chosen("Done", "done"), None, "it is there already");
        assert_eq!(chosen("Done", "Closed"), None);
    }
}
