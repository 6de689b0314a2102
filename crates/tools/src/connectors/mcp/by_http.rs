//! The line to a server over HTTP: opened with the first call for each address and credentials, and
//! opened anew when the server has forgotten it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use ports::{McpSeen, McpTool};
use serde_json::Value;
use tokio::sync::Mutex;
use types::TenantId;

use super::http::{self, Letter};
use super::line::{self, Ask, Line};
use super::question::Desk;
use super::session::{self, Session};
use super::wire::{self, Protocol, Reply};
use super::{Looked, check};
use crate::http::Ready;
use crate::{Answer, CallContext, CallError, Endpoint};

/// A server and the session with it.
#[derive(Default)]
pub(super) struct ByHttp {
    open: Mutex<Option<Open>>,
    last_id: AtomicU64,
}

struct Open {
    tenant: TenantId,
    endpoint: Endpoint,
    session: Session,
}

impl ByHttp {
    /// Asks anew what the server offers.
    pub(super) async fn look(&self, ctx: &CallContext) -> Result<Arc<McpSeen>, CallError> {
        let mut looked = None;
        let session = self.session(ctx, true, &mut looked).await?;
        looked
            .or_else(|| session.offers(ctx.now()).cloned())
            .ok_or_else(|| session::unusable("it doesn't say what it offers"))
    }

    /// Makes a call, if the server still offers the tool as it is known. A session that the server has
    /// forgotten is opened anew once: it refuses before it does anything.
    pub(super) async fn call(
        &self,
        ctx: &CallContext,
        tool: &McpTool,
        args: &Value,
        looked: &mut Looked,
    ) -> Result<Answer, CallError> {
        let first = self.call_once(ctx, tool, args, looked).await;
        match first {
            Err(error) if error.failure().code == SESSION_LOST => {
                *self.open.lock().await = None;
                self.call_once(ctx, tool, args, looked).await
            }
            first => first,
        }
    }

    async fn call_once(
        &self,
        ctx: &CallContext,
        tool: &McpTool,
        args: &Value,
        looked: &mut Looked,
    ) -> Result<Answer, CallError> {
        let session = self.session(ctx, false, looked).await?;
        check(session.offers(ctx.now()).map(Arc::as_ref), tool)?;
        let mut changed = false;
        let mut over = Over {
            link: self,
            session: &session,
        };
        let answer = line::call(&mut over, ctx, &session.protocol, tool, args, &mut changed).await;
        if changed && let Some(open) = self.open.lock().await.as_mut() {
            open.session.stale();
        }
        answer
    }

    /// The session, opened if it isn't, with a list of what is offered that is asked for anew if
    /// `anew` says so or the last one is old.
    async fn session(
        &self,
        ctx: &CallContext,
        anew: bool,
        looked: &mut Looked,
    ) -> Result<Session, CallError> {
        let mut slot = self.open.lock().await;
        let endpoint = ctx.endpoint()?;
        let same = |open: &Open| open.tenant == ctx.tenant && open.endpoint == *endpoint;
        let mut session = match slot.take().filter(same) {
            Some(open) => open.session,
            None => known(self.negotiate(ctx).await)?,
        };
        if anew || session.offers(ctx.now()).is_none() {
            let mut listed = self.list(ctx, &session).await;
            if listed
                .as_ref()
                .is_err_and(|error| error.failure().code == SESSION_LOST)
            {
                session = known(self.negotiate(ctx).await)?;
                listed = self.list(ctx, &session).await;
            }
            *looked = Some(session.listed(&known(listed)?, ctx.now()));
        }
        *slot = Some(Open {
            tenant: ctx.tenant,
            endpoint: endpoint.clone(),
            session: session.clone(),
        });
        Ok(session)
    }

    async fn list(&self, ctx: &CallContext, session: &Session) -> Result<Vec<Value>, CallError> {
        let mut over = Over { link: self, session };
        line::list(&mut over, ctx, &mut Desk::new(None)).await
    }

    async fn negotiate(&self, ctx: &CallContext) -> Result<Session, CallError> {
        let mut desk = Desk::new(None);
        let id = self.next_id();
        let body = wire::request(id, &Protocol::Stateless, "server/discover", Default::default());
        let letter = Letter::new(&body, Some(&Protocol::Stateless), None);
        match http::ask(ctx, id, &letter, &mut desk).await {
            Ok(returned) => {
                if let Some(session) = session::discovered(&returned.reply)? {
                    return Ok(session);
                }
            }
            // How older servers answer what they don't know is nowhere said.
            Err(error) if OLDER.contains(&error.failure().code.as_str()) => {}
            Err(error) => return Err(error),
        }
        let id = self.next_id();
        let body = wire::initialize(id);
        let returned = http::ask(ctx, id, &Letter::new(&body, None, None), &mut desk).await?;
        let session = session::initialized(returned.reply, returned.session)?;
        let body = wire::initialized();
        http::tell(
            ctx,
            &Letter::new(&body, Some(&session.protocol), session.id.as_deref()),
        )
        .await?;
        Ok(session)
    }

    fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// The code of a session that the server has forgotten.
const SESSION_LOST: &str = "mcp_session_lost";
/// Codes by which a server that knows nothing of the newest revision may refuse it.
const OLDER: [&str; 3] = ["tool_refused", "tool_failed", "answer_unreadable"];

/// Before it is a call, whatever goes wrong is known not to have done anything.
fn known<T>(result: Result<T, CallError>) -> Result<T, CallError> {
    result.map_err(|error| match error {
        CallError::Unknown { failure } => CallError::retryable(failure),
        error => error,
    })
}

/// A session in use.
struct Over<'a> {
    link: &'a ByHttp,
    session: &'a Session,
}

#[async_trait]
impl Line for Over<'_> {
    async fn ask(
        &mut self,
        ctx: &CallContext,
        ask: Ask<'_>,
        desk: &mut Desk<'_>,
    ) -> Result<Reply, CallError> {
        let id = self.link.next_id();
        let protocol = &self.session.protocol;
        let body = wire::request(id, protocol, ask.method, ask.params);
        let mut letter = Letter::new(&body, Some(protocol), self.session.id.as_deref());
        let mut parting = None;
        if let Some((tool, args)) = ask.call {
            letter.effect = true;
            let given = |pointer: &String| args.pointer(pointer).filter(|value| !value.is_null()).cloned();
            letter.headers = tool
                .headers
                .iter()
                .filter_map(|(name, pointer)| Some((name.clone(), given(pointer)?)))
                .collect();
            // The newest revision takes the end of the connection for a word that nobody waits.
            if matches!(protocol, Protocol::Session(_)) {
                let body = wire::cancelled(id);
                let letter = Letter::new(&body, Some(protocol), self.session.id.as_deref());
                parting = Some(Parting(Some(letter.ready(ctx)?)));
            }
        }
        let returned = http::ask(ctx, id, &letter, desk).await;
        if let Some(parting) = &mut parting {
            parting.0 = None;
        }
        returned.map(|returned| returned.reply)
    }
}

/// Tells the server that nobody waits any more, if a call is dropped in its midst.
struct Parting(Option<Ready>);

impl Drop for Parting {
    fn drop(&mut self) {
        if let (Some(ready), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(http::in_passing(ready));
        }
    }
}
