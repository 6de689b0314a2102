//! `zoom.create_meeting` and `zoom.create_webinar`, which differ in path and type only. The marker
//! stands in the agenda, the one text that Zoom keeps for every account and gives back in lists.

use serde_json::{Map, Value, json};
use types::{Artifact, ArtifactKind, Failure};

use super::api::{self, Api, MOST_PAGES, PAGE};
use crate::arguments::text;
use crate::http::Request;
use crate::{Answer, CallError};

/// Lists show this much of an agenda; what lies behind is never seen by a look-up.
const AGENDA_SHOWN: usize = 250;

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Meeting,
    Webinar,
}

impl Kind {
    fn collection(self) -> &'static str {
        match self {
            Kind::Meeting => "meetings",
            Kind::Webinar => "webinars",
        }
    }

    /// Zoom's number for a scheduled one.
    fn number(self) -> u8 {
        match self {
            Kind::Meeting => 2,
            Kind::Webinar => 5,
        }
    }
}

/// Schedules one.
pub(super) async fn create(api: &Api<'_>, args: &Value, kind: Kind) -> Result<Answer, CallError> {
    let mut body = json!({
        "topic": args["topic"],
        "type": kind.number(),
        "start_time": args["start_time"],
        "duration": args["duration"].as_u64().unwrap_or(60),
        "agenda": agenda(text(args, "agenda").unwrap_or_default(), &api.ctx.marker()),
    });
    if let Some(zone) = text(args, "timezone") {
        body["timezone"] = zone.into();
    }
    let request = Request::post(&["v2", "users", host(args), kind.collection()])
        .json(body)
        .effect();
    let created = api.json(request).await?;
    answer(&created, kind).ok_or_else(|| {
        CallError::unknown(Failure::new(
            "answer_unreadable",
            "zoom answered a success without an id",
        ))
    })
}

/// Looks for one with this call's marker among the host's.
pub(super) async fn look_up(api: &Api<'_>, args: &Value, kind: Kind) -> Result<Option<Answer>, CallError> {
    let tag = tag(&api.ctx.marker());
    let mut token: Option<String> = None;
    for page in 1..=MOST_PAGES {
        let mut request = Request::get(&["v2", "users", host(args), kind.collection()])
            .query("type", "scheduled")
            .query("page_size", PAGE);
        // Zoom takes a token for the next page of meetings, and a number for that of webinars.
        match (kind, &token) {
            (Kind::Webinar, _) => request = request.query("page_number", page.to_string()),
            (Kind::Meeting, Some(token)) => request = request.query("next_page_token", token.as_str()),
            (Kind::Meeting, None) => {}
        }
        let body = api.json(request).await?;
        let Some(listed) = body[kind.collection()].as_array() else {
            return Err(CallError::unknown(Failure::new(
                "answer_unreadable",
                "zoom answered without a list",
            )));
        };
        let ours = |session: &&Value| {
            session["agenda"]
                .as_str()
                .is_some_and(|agenda| agenda.contains(&tag))
        };
        if let Some(found) = listed.iter().find(ours) {
            return Ok(answer(found, kind));
        }
        token = api::next_page(&body);
        let more_counted = body["page_count"]
            .as_u64()
            .is_some_and(|count| count > page as u64);
        if token.is_none() && !(kind == Kind::Webinar && more_counted) {
            return Ok(None);
        }
    }
    Err(CallError::unknown(Failure::new(
        "look_up_unclear",
        format!(
            "the host has more than {} pages of {}",
            MOST_PAGES,
            kind.collection()
        ),
    )))
}

fn host(args: &Value) -> &str {
    text(args, "host").unwrap_or("me")
}

fn tag(marker: &str) -> String {
    format!("[agentops:{marker}]")
}

/// The agenda with the tag behind it, or before it where lists would cut it off.
fn agenda(words: &str, marker: &str) -> String {
    let tag = tag(marker);
    let fits = words.chars().count() + 1 + tag.chars().count() <= AGENDA_SHOWN;
    match (words.is_empty(), fits) {
        (true, _) => tag,
        (_, true) => format!("{words}\n{tag}"),
        _ => format!("{tag}\n{words}"),
    }
}

/// What is told of a session; never `start_url`, which lets its bearer in as the host.
fn answer(session: &Value, kind: Kind) -> Option<Answer> {
    let id = match &session["id"] {
        Value::Number(number) => number.to_string(),
        Value::String(text) if !text.is_empty() => text.clone(),
        _ => return None,
    };
    let mut output = Map::new();
    output.insert("id".to_owned(), id.clone().into());
    for name in ["topic", "start_time", "duration", "timezone", "join_url"] {
        output.insert(name.to_owned(), session[name].clone());
    }
    let artifact = Artifact {
        kind: ArtifactKind::Webinar,
        external_id: id,
        url: session["join_url"].as_str().map(str::to_owned),
        data: json!({
            "type": if kind == Kind::Webinar { "webinar" } else { "meeting" },
            "topic": session["topic"],
            "start_time": session["start_time"],
        }),
    };
    Some(Answer::new(Value::Object(output)).with(artifact))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_stays_within_what_lists_show() {
        assert_eq!(agenda("", "k1"), "[agentops:k1]");
        assert_eq!(agenda("Words", "k1"), "Words\n[agentops:k1]");
        let long = "ä".repeat(240);
        let cut: String = agenda(&long, "k1").chars().take(AGENDA_SHOWN).collect();
        assert!(cut.contains("[agentops:k1]"));
    }

    #[test]
    fn a_start_url_is_never_told() {
        let session = json!({"id": 91234567890u64, "join_url": "https://zoom.us/w/1", "start_url": "https://zoom.us/s/1?zak=hush"});
        let answer = answer(&session, Kind::Webinar).expect("an answer");
        assert_eq!(answer.output["id"], "91234567890");
        assert!(!format!("{answer:?}").contains("hush"));
    }
}
