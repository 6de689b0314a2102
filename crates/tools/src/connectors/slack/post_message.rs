//! `slack.post_message`: a message with the call's marker in its metadata.

use serde_json::{Value, json};
use types::{Artifact, ArtifactKind, Failure};

use super::api::{self, PAGE};
use super::channels;
use crate::arguments::text;
use crate::http::Request;
use crate::{Answer, CallContext, CallError};

/// The metadata's event type; its payload holds the marker as `key`.
const EVENT_TYPE: &str = "agentops";
/// The most pages of history that a look-up reads; what lies beyond leaves it in doubt.
const MOST_PAGES: usize = 25;

/// Posts the message.
pub(super) async fn call(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let mut body = json!({
        "channel": args["channel"],
        "text": args["text"],
        "metadata": {"event_type": EVENT_TYPE, "event_payload": {"key": ctx.marker()}},
    });
    if let Some(thread) = text(args, "thread_ts") {
        body["thread_ts"] = thread.into();
    }
    let posted = api::call(
        ctx,
        Request::post(&["api", "chat.postMessage"]).json(body).effect(),
    )
    .await?;
    match (posted["channel"].as_str(), posted["ts"].as_str()) {
        (Some(channel), Some(ts)) => Ok(answer(ctx, channel, ts).await),
        _ => Err(CallError::unknown(Failure::new(
            "answer_unreadable",
            "slack answered ok without the message's channel and timestamp",
        ))),
    }
}

/// Looks for a message with this call's marker since the run began.
pub(super) async fn look_up(ctx: &CallContext, args: &Value) -> Result<Option<Answer>, CallError> {
    let channel = channels::id_of(ctx, text(args, "channel").unwrap_or_default()).await?;
    let oldest = format!("{}.000000", ctx.began_after().as_millis().max(0) / 1000);
    let base = vec![
        ("channel", channel.clone()),
        ("limit", PAGE.to_string()),
        ("include_all_metadata", "true".to_owned()),
    ];
    let found = match text(args, "thread_ts") {
        Some(thread) => {
            // Replies stand in their thread, not in the channel's history.
            let mut fields = base;
            fields.push(("ts", thread.to_owned()));
            search(ctx, "conversations.replies", fields).await?
        }
        None => {
            let mut fields = base;
            fields.push(("oldest", oldest));
            search(ctx, "conversations.history", fields).await?
        }
    };
    match found {
        Some(ts) => Ok(Some(answer(ctx, &channel, &ts).await)),
        None => Ok(None),
    }
}

/// The timestamp of the message with this call's marker.
async fn search(
    ctx: &CallContext,
    method: &str,
    mut fields: Vec<(&str, String)>,
) -> Result<Option<String>, CallError> {
    let marker = ctx.marker();
    for _ in 0..MOST_PAGES {
        let body = api::call(ctx, api::form(method, &fields)).await?;
        let Some(messages) = body["messages"].as_array() else {
            return Err(CallError::unknown(Failure::new(
                "answer_unreadable",
                "slack answered ok without messages",
            )));
        };
        let ours = |message: &&Value| {
            message["metadata"]["event_type"] == EVENT_TYPE
                && message["metadata"]["event_payload"]["key"] == marker.as_str()
        };
        if let Some(ts) = messages
            .iter()
            .find(ours)
            .and_then(|message| message["ts"].as_str())
        {
            return Ok(Some(ts.to_owned()));
        }
        let Some(cursor) = api::next_cursor(&body) else {
            return Ok(None);
        };
        fields.retain(|(name, _)| *name != "cursor");
        fields.push(("cursor", cursor));
    }
    Err(CallError::unknown(Failure::new(
        "look_up_unclear",
        format!(
            "the channel has more than {} messages since the run began",
            MOST_PAGES * PAGE as usize
        ),
    )))
}

async fn answer(ctx: &CallContext, channel: &str, ts: &str) -> Answer {
    let fields = [("channel", channel.to_owned()), ("message_ts", ts.to_owned())];
    let request = api::form("chat.getPermalink", &fields).side();
    // The message is there; that its address can't be told must not make it look lost.
    let permalink = match api::call(ctx, request).await {
        Ok(body) => body["permalink"].as_str().map(str::to_owned),
        Err(error) => {
            tracing::debug!(code = error.failure().code, "no permalink for a posted message");
            None
        }
    };
    Answer::new(json!({ "ts": ts, "channel": channel, "permalink": permalink })).with(Artifact {
        kind: ArtifactKind::Message,
        external_id: format!("{channel}/{ts}"),
        url: permalink,
        data: json!({ "channel": channel, "ts": ts }),
    })
}
