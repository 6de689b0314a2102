//! The line to a server that this host starts: started when it is needed, started anew when it has
//! died, more slowly each time.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ports::{McpSeen, McpTool};
use serde_json::Value;
use tokio::sync::{Mutex, OwnedMutexGuard};
use types::{Failure, Millis, Timestamp};

use super::line::{self, Ask, Line};
use super::question::Desk;
use super::session::{self, Session};
use super::stdio::{McpCommand, Process};
use super::wire::{self, Protocol, Reply};
use super::{Looked, check};
use crate::{Answer, CallContext, CallError};

/// How long a server may take to say that it is one of the newest revision, before it is asked in the
/// words of an older one.
const DISCOVERY: Duration = Duration::from_secs(6);
/// The wait before a server that died twice is started again; it doubles with each death.
const FIRST_WAIT_MS: Millis = 1_000;
const LONGEST_WAIT_MS: Millis = 60_000;

/// A server and its process.
pub(super) struct ByStdio {
    how: McpCommand,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    open: Option<(Process, Session)>,
    /// How often it died or could not be opened since it last answered a call.
    deaths: u32,
    not_before: Timestamp,
    last_id: u64,
}

impl ByStdio {
    pub(super) fn new(how: McpCommand) -> Self {
        Self {
            how,
            state: Arc::default(),
        }
    }

    /// Asks anew what the server offers.
    pub(super) async fn look(&self, ctx: &CallContext) -> Result<Arc<McpSeen>, CallError> {
        let mut held = Held::of(self, ctx).await?;
        held.list(ctx).await
    }

    /// Makes a call, if the server still offers the tool as it is known.
    pub(super) async fn call(
        &self,
        ctx: &CallContext,
        tool: &McpTool,
        args: &Value,
        looked: &mut Looked,
    ) -> Result<Answer, CallError> {
        let mut held = Held::of(self, ctx).await?;
        held.drain().await?;
        if held.offers(ctx).is_none() {
            *looked = Some(held.list(ctx).await?);
        }
        check(held.offers(ctx).as_deref(), tool)?;
        let protocol = held.protocol();
        let mut changed = false;
        let answer = line::call(&mut held, ctx, &protocol, tool, args, &mut changed).await;
        held.end(ctx, changed, &answer);
        answer
    }
}

/// The one who talks to the server. If it is dropped in the midst of a call, the server is told that
/// nobody waits any more.
struct Held {
    state: Option<OwnedMutexGuard<State>>,
    under_way: Option<u64>,
}

impl Held {
    /// Waits for the line, and opens it if it isn't.
    async fn of(link: &ByStdio, ctx: &CallContext) -> Result<Self, CallError> {
        let mut state = Arc::clone(&link.state).lock_owned().await;
        let sound = match &mut state.open {
            Some((process, _)) => process.is_sound(),
            None => false,
        };
        if !sound {
            if state.open.take().is_some() {
                state.died(ctx.now());
            }
            state.may_start(ctx.now())?;
            // Whoever is given up here counts as a death, too.
            state.died(ctx.now());
            let opened = open(&link.how, &mut state.last_id, ctx).await?;
            state.open = Some(opened);
        }
        Ok(Self {
            state: Some(state),
            under_way: None,
        })
    }

    fn parts(&mut self) -> Option<(&mut Process, &mut Session, &mut u64)> {
        let state = self.state.as_deref_mut()?;
        let (process, session) = state.open.as_mut()?;
        Some((process, session, &mut state.last_id))
    }

    fn protocol(&mut self) -> Protocol {
        self.parts()
            .map_or(Protocol::Stateless, |(_, session, _)| session.protocol.clone())
    }

    fn offers(&mut self, ctx: &CallContext) -> Option<Arc<McpSeen>> {
        self.parts()
            .and_then(|(_, session, _)| session.offers(ctx.now()).cloned())
    }

    /// Takes in what the server said since it was last heard.
    async fn drain(&mut self) -> Result<(), CallError> {
        let Some((process, session, _)) = self.parts() else {
            return Ok(());
        };
        let mut desk = Desk::new(None);
        process.drain(&mut desk).await?;
        if desk.changed {
            session.stale();
        }
        Ok(())
    }

    async fn list(&mut self, ctx: &CallContext) -> Result<Arc<McpSeen>, CallError> {
        let mut desk = Desk::new(None);
        let listed = line::list(self, ctx, &mut desk).await?;
        let (_, session, _) = self.parts().ok_or_else(gone)?;
        Ok(session.listed(&listed, ctx.now()))
    }

    /// A call has ended.
    fn end(&mut self, ctx: &CallContext, changed: bool, answer: &Result<Answer, CallError>) {
        let Some(state) = self.state.as_deref_mut() else {
            return;
        };
        if let Some((process, session)) = &mut state.open {
            if changed {
                session.stale();
            }
            if !process.is_sound() {
                state.open = None;
                state.died(ctx.now());
            } else if !matches!(answer, Err(CallError::Unknown { .. })) {
                state.deaths = 0;
            }
        }
    }
}

#[async_trait]
impl Line for Held {
    async fn ask(
        &mut self,
        ctx: &CallContext,
        ask: Ask<'_>,
        desk: &mut Desk<'_>,
    ) -> Result<Reply, CallError> {
        let (process, session, last_id) = self.parts().ok_or_else(gone)?;
        *last_id += 1;
        let id = *last_id;
        let request = wire::request(id, &session.protocol, ask.method, ask.params);
        if ask.call.is_some() {
            ctx.begin_effect()?;
        }
        process.tell(&request).await?;
        self.under_way = Some(id);
        let (process, _, _) = self.parts().ok_or_else(gone)?;
        let answered = process.answer(&[id], desk).await;
        if answered.is_err() {
            process.tear();
        }
        self.under_way = None;
        answered.map(|(_, reply)| reply)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let (Some(mut state), Some(id)) = (self.state.take(), self.under_way) else {
            return;
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            if let Some((process, _)) = &mut state.open {
                process.give_up(id).await;
            }
        });
    }
}

impl State {
    fn died(&mut self, now: Timestamp) {
        self.deaths = self.deaths.saturating_add(1);
        let wait = match self.deaths {
            0..=2 => 0,
            more => (FIRST_WAIT_MS << (more - 3).min(10)).min(LONGEST_WAIT_MS),
        };
        self.not_before = now + wait;
    }

    fn may_start(&self, now: Timestamp) -> Result<(), CallError> {
        let left = self.not_before.since(now);
        if left == 0 {
            return Ok(());
        }
        let message = format!(
            "the server died {} times; it is started again in {left} ms",
            self.deaths
        );
        Err(CallError::Failed {
            failure: Failure::new("tool_unreachable", message)
                .hint("`agentops tool health` says what it said last"),
            retryable: true,
            retry_after_ms: Some(left),
        })
    }
}

fn gone() -> CallError {
    CallError::retryable(Failure::new("tool_unreachable", "the server is gone"))
}

/// Starts a server and finds out which generation it speaks.
async fn open(
    how: &McpCommand,
    last_id: &mut u64,
    ctx: &CallContext,
) -> Result<(Process, Session), CallError> {
    let mut process = Process::start(how)?;
    // Before it is a call, whatever goes wrong is known not to have done anything.
    let session = negotiate(&mut process, last_id)
        .await
        .map_err(|error| match error {
            CallError::Unknown { failure } => CallError::retryable(failure),
            error => error,
        })?;
    tracing::info!(server = session.server, protocol = session.protocol.name(), at = %ctx.now(), "an MCP server was started");
    Ok((process, session))
}

async fn negotiate(process: &mut Process, last_id: &mut u64) -> Result<Session, CallError> {
    let mut desk = Desk::new(None);
    let (discover, initialize) = (*last_id + 1, *last_id + 2);
    *last_id = initialize;
    let request = wire::request(
        discover,
        &Protocol::Stateless,
        "server/discover",
        Default::default(),
    );
    process.tell(&request).await?;
    let waited = tokio::time::timeout(DISCOVERY, process.answer(&[discover], &mut desk)).await;
    if let Ok(answered) = &waited {
        let (_, reply) = answered.as_ref().map_err(Clone::clone)?;
        if let Some(session) = session::discovered(reply)? {
            return Ok(session);
        }
    }
    process.tell(&wire::initialize(initialize)).await?;
    let (mut id, mut reply) = process.answer(&[discover, initialize], &mut desk).await?;
    if id == discover {
        // It was only slow.
        if let Some(session) = session::discovered(&reply)? {
            return Ok(session);
        }
        (id, reply) = process.answer(&[initialize], &mut desk).await?;
    }
    debug_assert_eq!(id, initialize);
    let session = session::initialized(reply, None)?;
    process.tell(&wire::initialized()).await?;
    Ok(session)
}
