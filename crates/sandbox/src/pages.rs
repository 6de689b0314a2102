//! The pages behind the links that vendors hand out (a message, a meeting to join, an article),
//! as plain text, so that a link from a mock run leads somewhere.

use axum::http::{Method, StatusCode};

use crate::call::Call;
use crate::reply::{self, Answer};
use crate::slack;
use crate::state::{SessionKind, State};
use crate::world::World;

/// The page a call asks for, if it asks for one.
pub(crate) fn find(world: &World, call: &Call) -> Option<Answer> {
    if call.method != Method::GET {
        return None;
    }
    let text = world.read(|state| match call.route().as_slice() {
        ["archives", channel, stamp] => message(state, channel, stamp),
        ["j", number] => session(state, number, SessionKind::Meeting),
        ["w", number] => session(state, number, SessionKind::Webinar),
        ["kb_view.do"] => {
            let number = call.query.get("sysparm_article")?;
            record(state, |record| record.get("number") == Some(number))
        }
        ["nav_to.do"] => {
            let (_, id) = call.query.get("uri")?.split_once("sys_id=")?;
            record(state, |record| {
                record.get("sys_id").is_some_and(|known| known == id)
            })
        }
        _ => None,
    })?;
    Some(reply::text(StatusCode::OK, text))
}

fn message(state: &State, channel: &str, stamp: &str) -> Option<String> {
    let channel = state.slack.channels.iter().find(|known| known.id == channel)?;
    let digits = stamp.strip_prefix('p')?;
    let message = channel
        .messages
        .iter()
        .find(|message| slack::stamp(message.stamp_us).replace('.', "") == digits)?;
    Some(format!(
        "#{} at {}\n\n{}\n",
        channel.name,
        slack::stamp(message.stamp_us),
        message.text
    ))
}

fn session(state: &State, number: &str, kind: SessionKind) -> Option<String> {
    let session = state
        .zoom
        .sessions
        .get(&number.parse().ok()?)
        .filter(|session| session.kind == kind)?;
    let start = session.start_time.as_deref().unwrap_or("now");
    Some(format!(
        "{}\n{start}, {} minutes\n\n{}\n",
        session.topic, session.duration, session.agenda
    ))
}

fn record(state: &State, wanted: impl Fn(&crate::state::Record) -> bool) -> Option<String> {
    let record = state.servicenow.records.values().find(|record| wanted(record))?;
    let lines = record.iter().filter(|(_, value)| !value.is_empty());
    Some(lines.map(|(name, value)| format!("{name}: {value}\n")).collect())
}
