//! QRC, the remote control of Q-SYS cores: JSON-RPC 2.0 over TCP port 1710, each message ended by a NUL
//! byte (Q-SYS Help, "Q-SYS Remote Control Protocol"). A core speaks unasked too, such as `EngineStatus`
//! when a connection opens.

use serde_json::{Value, json};
use types::Failure;

use crate::http::clip;
use crate::tcp::Line;
use crate::{CallContext, CallError, Credentials};

const PORT: u16 = 1710;
/// Messages that may come before the one that was waited for.
const MOST_MESSAGES: usize = 1_000;

/// A talk with a core.
pub(super) struct Core {
    line: Line,
    asked: u64,
}

impl Core {
    /// Connects, and logs on if there is a user.
    pub(super) async fn open(ctx: &CallContext) -> Result<Self, CallError> {
        let line = Line::open(ctx, PORT).await?;
        let mut core = Self { line, asked: 0 };
        if let Credentials::Basic { user, password } = &ctx.endpoint()?.credentials {
            let who = json!({"User": user, "Password": password.reveal()});
            core.read(ctx, "Logon", who).await.map_err(|error| match error {
                CallError::Failed { .. } => CallError::refused(credentials_refused()),
                lost => lost,
            })?;
        }
        Ok(core)
    }

    /// Calls a method that changes nothing.
    pub(super) async fn read(
        &mut self,
        ctx: &CallContext,
        method: &str,
        params: Value,
    ) -> Result<Value, CallError> {
        let message = self.request(method, &params);
        self.line.ask(ctx, &message).await?;
        self.answer(method).await
    }

    /// Calls a method that performs the action.
    pub(super) async fn act(
        &mut self,
        ctx: &CallContext,
        method: &str,
        params: Value,
    ) -> Result<Value, CallError> {
        let message = self.request(method, &params);
        self.line.act(ctx, &message).await?;
        self.answer(method).await.inspect_err(|error| {
            if matches!(error, CallError::Failed { .. }) {
                ctx.refused();
            }
        })
    }

    fn request(&mut self, method: &str, params: &Value) -> Vec<u8> {
        self.asked += 1;
        let request = json!({"jsonrpc": "2.0", "id": self.asked, "method": method, "params": params});
        let mut bytes = request.to_string().into_bytes();
        bytes.push(0);
        bytes
    }

    /// The answer to the newest request; what comes unasked is passed over.
    async fn answer(&mut self, method: &str) -> Result<Value, CallError> {
        for _ in 0..MOST_MESSAGES {
            let bytes = self
                .line
                .message(|read| read.iter().position(|byte| *byte == 0).map(|at| at + 1))
                .await?;
            let mut message: Value = serde_json::from_slice(&bytes[..bytes.len() - 1])
                .map_err(|_| self.unreadable("something that is no JSON"))?;
            if !message.is_object() {
                return Err(self.unreadable("JSON that is no message"));
            }
            if message.get("method").is_some() || message["id"] != json!(self.asked) {
                continue;
            }
            if let Some(error) = message.get("error") {
                return Err(refused(method, error));
            }
            if message.get("result").is_some() {
                return Ok(message["result"].take());
            }
            return Err(self.unreadable("an answer without a result"));
        }
        Err(self.unreadable("a flood of messages without the answer"))
    }

    fn unreadable(&self, what: &str) -> CallError {
        CallError::unknown(Failure::new(
            "answer_unreadable",
            format!("{} sent {what}", self.line.host()),
        ))
    }
}

/// What an error of the core means; the codes are QRC's own.
fn refused(method: &str, error: &Value) -> CallError {
    let code = error["code"].as_i64().unwrap_or(0);
    let words = clip(error["message"].as_str().unwrap_or("no reason given"));
    let says = format!("the core refused {method}: {words} ({code})");
    match code {
        // Named things that aren't in the design: a component, a control.
        6..=8 => CallError::refused(
            Failure::new("record_not_found", says)
                .hint("names are those of the design that runs, with \"script access\" allowed"),
        ),
        10 => CallError::refused(credentials_refused()),
        // An error inside the core, which may have come after the effect.
        -32603 => CallError::unknown(Failure::new("tool_failed", says)),
        // On standby: the other core of the pair is the one to ask.
        -32604 => CallError::retryable(Failure::new("device_refused", says)),
        _ => CallError::refused(Failure::new("device_refused", says)),
    }
}

fn credentials_refused() -> Failure {
    Failure::new("credentials_refused", "the core did not let this user in")
        .hint("set qsys.user and qsys.password to a user of the core and its PIN")
}
