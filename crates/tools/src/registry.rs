//! The registry: which tools there are, and the way from a permit to a connector.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use async_trait::async_trait;
use governance::Permit;
use ports::{Call, DeskStore, Health, SendGuard, Tools};
use serde_json::Value;
use types::{
    ActionSpec, CallLimits, Catalog, Clock, Effect, Failure, HeldBack, LabelMap, Lookup, Mode, Outcome,
    ProbeResult, TenantId, ToolSpec,
};

use crate::connectors::mcp::Links;
use crate::connectors::plain::Plain;
use crate::connectors::{self, local::LocalSink, ticketing};
use crate::http::{Http, Names, SystemNames};
use crate::outside::{Caller, Outside, Target};
use crate::schemas::Schemas;
use crate::{
    Answer, CallContext, CallError, Connector, Endpoint, Endpoints, HttpTool, McpNotes, McpServer, perform,
};

/// What the registry needs.
pub struct Options {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where tools live and how to get in.
    pub endpoints: Arc<dyn Endpoints>,
    /// Where the local actions keep recipe drafts and files.
    pub sink: Arc<dyn LocalSink>,
    /// Where built-in calendars and tickets are kept.
    pub desk: Arc<dyn DeskStore>,
    /// Plain HTTP tools, as [`crate::http_tool`] reads them.
    pub http_tools: Vec<HttpTool>,
    /// Connectors beside the built-in ones; one with the same name replaces a built-in one.
    pub extra: Vec<Arc<dyn Connector>>,
}

/// The configured tools.
pub struct Registry {
    clock: Arc<dyn Clock>,
    endpoints: Arc<dyn Endpoints>,
    desk: Arc<dyn DeskStore>,
    http: Arc<Http>,
    outside: Arc<Outside>,
    fixed: Vec<Arc<dyn Connector>>,
    links: Arc<Links>,
    /// What the book was made from, beside the fixed connectors.
    shelf: Mutex<Shelf>,
    book: RwLock<Arc<Book>>,
}

/// Tools that can be replaced.
#[derive(Clone, Default)]
struct Shelf {
    http_tools: Vec<HttpTool>,
    servers: Vec<McpServer>,
}

/// Everything that a change of tools replaces at once.
struct Book {
    catalog: Arc<Catalog>,
    connectors: BTreeMap<String, Arc<dyn Connector>>,
    schemas: BTreeMap<String, Schemas>,
}

/// One action and its connector, found.
struct Found {
    book: Arc<Book>,
    connector: Arc<dyn Connector>,
    spec: ActionSpec,
}

impl Registry {
    /// A registry of the built-in tools and those in the options.
    pub fn new(options: Options) -> Self {
        Self::with_names(options, Arc::new(SystemNames))
    }

    /// As [`Registry::new`], with host names resolved by `names`.
    pub fn with_names(options: Options, names: Arc<dyn Names>) -> Self {
        let mut fixed = connectors::built_in(options.sink, &options.desk);
        fixed.extend(options.extra);
        let shelf = Shelf {
            http_tools: options.http_tools,
            servers: Vec::new(),
        };
        let links = Arc::new(Links::default());
        let book = Book::new(&fixed, &links, shelf.clone());
        Self {
            outside: Arc::new(Outside::new(Arc::clone(&options.clock))),
            clock: options.clock,
            endpoints: options.endpoints,
            desk: options.desk,
            http: Arc::new(Http::new(names)),
            fixed,
            links,
            shelf: Mutex::new(shelf),
            book: RwLock::new(Arc::new(book)),
        }
    }

    /// Who is told what servers of the Model Context Protocol are seen to offer; only the first counts.
    pub fn note_mcp(&self, notes: Arc<dyn McpNotes>) {
        // The second one would be told of the same.
        let _ = self.links.notes.set(notes);
    }

    /// Replaces the servers of the Model Context Protocol; calls that are under way end with what they
    /// began with, and servers that stay are not started anew.
    pub fn replace_mcp_servers(&self, servers: Vec<McpServer>) {
        self.replace(|shelf| shelf.servers = servers);
    }

    /// Replaces the plain HTTP tools; calls that are under way end with the tools they began with.
    pub fn replace_http_tools(&self, tools: Vec<HttpTool>) {
        self.replace(|shelf| shelf.http_tools = tools);
    }

    fn replace(&self, change: impl FnOnce(&mut Shelf)) {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut shelf);
        let book = Book::new(&self.fixed, &self.links, shelf.clone());
        *self.book.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(book);
    }

    /// Asks a tool how it is, as [`Tools::health`] does; the text says what was seen.
    ///
    /// # Errors
    /// Why it isn't well.
    pub async fn look(&self, tenant: TenantId, tool: &str, mode: Mode) -> Result<String, Failure> {
        let asked = self.ask_health(tenant, tool, mode).await;
        asked.map_err(|error| error.failure().clone())
    }

    /// Replaces the limits of calls, by tool.
    pub fn set_limits(&self, limits: CallLimits) {
        self.outside.set_limits(limits);
    }

    /// Tools may live elsewhere now: what they did where they lived is not held against them.
    pub fn moved(&self) {
        self.outside.forget_trouble();
    }

    fn book(&self) -> Arc<Book> {
        Arc::clone(&self.book.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn find(&self, action: &str) -> Result<Found, CallError> {
        let book = self.book();
        match book.catalog.find(action) {
            Lookup::Found(spec) if book.connectors.contains_key(&spec.tool) => Ok(Found {
                connector: Arc::clone(&book.connectors[&spec.tool]),
                spec: spec.clone(),
                book,
            }),
            _ => Err(CallError::refused(
                Failure::new("unknown_action", format!("no configured tool offers {action}"))
                    .hint("`agentops tool list` shows what there is"),
            )),
        }
    }

    /// Everything that is checked before a connector is reached.
    async fn admit(&self, permit: &Permit, call: Call) -> Result<(Found, CallContext, Value), CallError> {
        if types::digest(&call.args.value) != *permit.digest() {
            return Err(mismatch("the permit was given for other arguments"));
        }
        let found = self.find(permit.action())?;
        let args = call.args.value.clone();
        if let Some(schemas) = found.book.schemas.get(&found.spec.name()) {
            schemas.check(&found.spec, &args).map_err(CallError::refused)?;
        }
        let ctx = self.context(&found, permit, call).await?;
        Ok((found, ctx, args))
    }

    async fn context(&self, found: &Found, permit: &Permit, call: Call) -> Result<CallContext, CallError> {
        // Every attempt of a change, and looking for it, must go the same way.
        let pin = (found.spec.effect != Effect::Read).then(|| permit.key());
        let whose = (call.tenant, permit.mode());
        let (endpoint, through) = self.way(&found.connector, &found.spec.tool, whose, pin).await?;
        Ok(CallContext {
            tenant: call.tenant,
            run: Some(permit.run()),
            mode: permit.mode(),
            key: permit.key().to_owned(),
            deadline: call.deadline,
            labels: call.args.labels,
            answers: call.answers,
            guard: call.guard,
            ..self.bare((call.tenant, permit.mode()), endpoint, through)
        })
    }

    /// A context of no run, in which only reads may be sent.
    fn bare(
        &self,
        (tenant, mode): (TenantId, Mode),
        endpoint: Option<Endpoint>,
        through: Option<String>,
    ) -> CallContext {
        CallContext {
            tenant,
            run: None,
            mode,
            key: String::new(),
            deadline: self.clock.now(),
            labels: LabelMap::default(),
            answers: None,
            endpoint,
            through,
            guard: Arc::new(ReadsOnly),
            clock: Arc::clone(&self.clock),
            http: Arc::clone(&self.http),
            endpoints: Arc::clone(&self.endpoints),
            let_alone_ms: AtomicU64::new(0),
            sent: AtomicBool::new(false),
        }
    }

    /// Does a call's work if there is room for it, and learns from how it ends.
    async fn through<T>(
        &self,
        found: &Found,
        ctx: &CallContext,
        args: &Value,
        work: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, CallError> {
        let Some(target) = Target::of(found.connector.as_ref(), ctx, args) else {
            return perform::bounded(ctx, work).await;
        };
        let entry = self.outside.enter(Caller::of(ctx, &found.spec.tool), target)?;
        let result = perform::bounded(ctx, work).await;
        entry.end(&result, ctx.let_alone_ms.load(Ordering::SeqCst));
        result
    }

    /// Where a tool lives, and by which of its routes it is reached if it has several. A call with a key
    /// keeps the route of its first time.
    async fn way(
        &self,
        connector: &Arc<dyn Connector>,
        tool: &str,
        (tenant, mode): (TenantId, Mode),
        pin: Option<&str>,
    ) -> Result<(Option<Endpoint>, Option<String>), CallError> {
        let routes = connector.routes();
        let through = if routes.is_empty() {
            None
        } else {
            let chosen = self.endpoints.through(tenant, tool).await;
            let chosen = chosen.map_err(CallError::refused)?;
            let pinned = match pin {
                Some(key) => self.desk.pin_route(tenant, mode, key, &chosen).await,
                None => Ok(chosen),
            };
            Some(pinned.map_err(|error| CallError::retryable(error.into()))?)
        };
        let lives = match through.as_deref() {
            Some(route) if !routes.contains(&keeper(route)) => {
                return Err(CallError::refused(
                    Failure::new("tool_misconfigured", format!("{tool} can't go through '{route}'")).hint(
                        format!("set tools.{tool}.through to one of {}", routes.join(", ")),
                    ),
                ));
            }
            Some(ticketing::BUILT_IN) => None,
            Some(route) => Some(keeper(route)),
            None => connector.remote().then_some(tool),
        };
        let endpoint = match lives {
            Some(name) => {
                let asked = self.endpoints.endpoint(tenant, name, mode).await;
                Some(asked.map_err(CallError::refused)?)
            }
            None => None,
        };
        Ok((endpoint, through))
    }

    async fn ask_health(&self, tenant: TenantId, tool: &str, mode: Mode) -> Result<String, CallError> {
        let Some(connector) = self.book().connectors.get(tool).cloned() else {
            return Err(CallError::refused(
                Failure::new("tool_not_configured", format!("there is no tool {tool}"))
                    .hint("`agentops tool list` shows what there is"),
            ));
        };
        let (endpoint, through) = self.way(&connector, tool, (tenant, mode), None).await?;
        let ctx = CallContext {
            deadline: self.clock.now() + connector.health_ms(),
            ..self.bare((tenant, mode), endpoint, through)
        };
        let result = perform::bounded(&ctx, connector.health(&ctx)).await;
        let Some(target) = Target::of(connector.as_ref(), &ctx, &Value::Null) else {
            return result;
        };
        // A person who asks tries the tool: what comes of it opens or closes the circuit.
        let caller = Caller::of(&ctx, tool);
        let wait = ctx.let_alone_ms.load(Ordering::SeqCst);
        self.outside.saw(&caller, &target, &result, wait);
        match (result, self.outside.trouble(&caller, &target)) {
            (Err(mut error), Some(trouble)) => {
                error.add(&trouble);
                Err(error)
            }
            (result, _) => result,
        }
    }
}

#[async_trait]
impl Tools for Registry {
    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.book().catalog)
    }

    fn read_manifest(&self, manifest: &Value) -> Result<ToolSpec, Failure> {
        let read = crate::http_tool(&manifest.to_string());
        read.map(|tool| tool.spec).map_err(|problems| {
            let listed: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Failure::new("manifest_invalid", listed.join("; ")).hint("docs/tools.md shows a manifest")
        })
    }

    async fn perform(&self, permit: Permit, call: Call) -> Outcome {
        let admitted = if permit.look_up_only() {
            Err(mismatch(
                "the permit covers only looking up what an earlier attempt did",
            ))
        } else {
            self.admit(&permit, call).await
        };
        let (found, ctx, args) = match admitted {
            Ok(admitted) => admitted,
            Err(error) => return not_begun(error),
        };
        let work = found.connector.call(&ctx, &found.spec.action, &args);
        let result = self.through(&found, &ctx, &args, work).await;
        if let Ok(answer) = &result {
            warn_of_odd_output(&found, answer);
        }
        perform::outcome(&ctx, &found.spec, result)
    }

    async fn look_up(&self, permit: Permit, call: Call) -> ProbeResult {
        match self.admit(&permit, call).await {
            Ok((found, ctx, args)) => {
                let work = found.connector.look_up(&ctx, &found.spec.action, &args);
                perform::found(&found.spec, self.through(&found, &ctx, &args, work).await)
            }
            Err(error) => ProbeResult::Unclear {
                failure: error.failure().clone(),
            },
        }
    }

    fn held_back(&self, tenant: TenantId, mode: Mode) -> BTreeMap<String, HeldBack> {
        self.outside.held_back(tenant, mode)
    }

    async fn health(&self, tenant: TenantId, tool: &str, mode: Mode) -> Health {
        let began = self.clock.now();
        let asked = self.ask_health(tenant, tool, mode).await;
        Health {
            tool: tool.to_owned(),
            ok: asked.is_ok(),
            detail: asked.unwrap_or_else(|error| error.to_string()),
            mode,
            latency_ms: self.clock.now().since(began),
        }
    }
}

impl Book {
    fn new(fixed: &[Arc<dyn Connector>], links: &Arc<Links>, shelf: Shelf) -> Self {
        let plain = shelf
            .http_tools
            .into_iter()
            .map(|tool| Arc::new(Plain::new(tool)) as Arc<dyn Connector>);
        // A built-in name can't be taken over by a manifest or a server, so the fixed ones come last.
        let connectors: BTreeMap<String, Arc<dyn Connector>> = plain
            .chain(links.connectors(shelf.servers))
            .chain(fixed.iter().cloned())
            .map(|connector| (connector.spec().name, connector))
            .collect();
        let catalog = Catalog::new(connectors.values().map(|connector| connector.spec()));
        let schemas = catalog
            .actions()
            .map(|action| (action.name(), Schemas::default()))
            .collect();
        Self {
            catalog: Arc::new(catalog),
            connectors,
            schemas,
        }
    }
}

/// The tool that a route names; what follows a colon is that tool's own.
fn keeper(route: &str) -> &str {
    route.split_once(':').map_or(route, |(keeper, _)| keeper)
}

/// Health checks only read, and belong to no run that could be lost.
struct ReadsOnly;

impl SendGuard for ReadsOnly {
    fn may_send(&self) -> Result<(), Failure> {
        Ok(())
    }
}

fn mismatch(message: &str) -> CallError {
    CallError::refused(Failure::new("permit_mismatch", message))
}

/// No connector was reached, so nothing can have happened.
fn not_begun(error: CallError) -> Outcome {
    match error {
        CallError::Failed {
            failure,
            retryable,
            retry_after_ms,
        } => Outcome::Failed {
            failure,
            retryable,
            retry_after_ms,
        },
        CallError::HeldBack {
            failure,
            retry_after_ms,
        } => Outcome::HeldBack {
            failure,
            retry_after_ms,
        },
        error => Outcome::Failed {
            failure: error.failure().clone(),
            retryable: true,
            retry_after_ms: None,
        },
    }
}

/// An answer that doesn't fit its schema is kept: the effect has happened, and losing it would be worse.
fn warn_of_odd_output(found: &Found, answer: &Answer) {
    let fits = found
        .book
        .schemas
        .get(&found.spec.name())
        .is_none_or(|schemas| schemas.promises(&found.spec, &answer.output));
    if !fits {
        tracing::warn!(
            action = found.spec.name(),
            "the output does not fit the action's schema"
        );
    }
}
