//! E-mail over SMTP, encrypted (TLS from the start or STARTTLS).
//!
//! SMTP has no way to say "this is the same message as before": after an unknown outcome the message
//! is sent again like any notification, with the same Message-ID, by which many mail programs show it
//! once. Nobody can look up whether it arrived.

mod message;
mod smtp;

use async_trait::async_trait;
use serde_json::{Value, json};
use types::{Artifact, ArtifactKind, Failure, Mode, ToolSpec};

use crate::connector::unknown_action;
use crate::{Access, Answer, CallContext, CallError, Connector, Way, load};

/// The setting that says who messages come from.
const FROM: &str = "tools.email.from";
/// Who they come from in a rehearsal, unless the setting says otherwise.
const REHEARSAL_FROM: &str = "AgentOps <agentops@sandbox.example>";

/// The connector.
pub(crate) struct Email;

/// A user of the mail server, or nothing where the server knows whom it serves by their address.
pub(crate) const ACCESS: Access = Access {
    base_url: None,
    ways: &[Way::Basic("user", "password"), Way::Open],
};

/// The tool's specification.
pub(crate) fn spec() -> ToolSpec {
    load::embedded(include_str!("spec.json"))
}

#[async_trait]
impl Connector for Email {
    fn spec(&self) -> ToolSpec {
        spec()
    }

    async fn call(&self, ctx: &CallContext, action: &str, args: &Value) -> Result<Answer, CallError> {
        match action {
            "send" => send(ctx, args).await,
            other => Err(unknown_action(other)),
        }
    }

    async fn health(&self, ctx: &CallContext) -> Result<String, CallError> {
        let session = smtp::Session::open(ctx).await?;
        let secured = if session.is_encrypted() {
            "encrypted"
        } else {
            "not encrypted"
        };
        session.quit().await;
        Ok(format!("the mail server lets us in; {secured}"))
    }
}

async fn send(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let message = message::build(ctx, args, &sender(ctx).await?)?;
    let mut session = smtp::Session::open(ctx).await?;
    let said = session.send(ctx, &message).await?;
    session.quit().await;
    let answer = Answer::new(json!({
        "message_id": message.id,
        "recipients": message.to.len(),
        "server": said,
    }));
    Ok(answer.with(Artifact {
        kind: ArtifactKind::Message,
        external_id: message.id.clone(),
        url: None,
        data: json!({"to": message.to}),
    }))
}

async fn sender(ctx: &CallContext) -> Result<String, CallError> {
    let set: Option<String> = ctx.setting(FROM).await?;
    match set.filter(|from| !from.trim().is_empty()) {
        Some(from) => Ok(from),
        None if ctx.mode == Mode::Mock => Ok(REHEARSAL_FROM.to_owned()),
        None => Err(CallError::refused(
            Failure::new("tool_not_configured", "nothing says who e-mails come from").hint(format!(
                "`agentops setting set {FROM} '\"AV operations <av@example.com>\"'`"
            )),
        )),
    }
}
