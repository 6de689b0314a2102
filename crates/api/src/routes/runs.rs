//! Runs: list, start, look, answer, stop.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use ports::{LetterFilter, RunFilter};
use serde::Deserialize;
use services::requests::RepeatKey;
use services::runs::{self, Answer as WordOf};
use types::{Mode, RunId, RunStatus, Timestamp};
use utoipa::IntoParams;

use super::id;
use crate::Api;
use crate::http::body::Body;
use crate::http::identity::Caller;
use crate::http::page::{self, Asked, Keys, Page, PageQuery};
use crate::http::path::Path;
use crate::http::problem::{Answer, Fault, Problem, Refusal};
use crate::http::repeat::StartKey;
use crate::wire::forms;
use crate::wire::runs::{
    EndTask, GiveInput, GivenUp, JournalEntry, ResolveStep, RestartRun, Run, RunDetail, SendSignal, StartRun,
    Started, StopRun, Word,
};

/// Which runs to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RunQuery {
    /// States, joined by commas.
    status: Option<String>,
    /// Slug, name or id of a recipe.
    recipe: Option<String>,
    /// The run above.
    parent: Option<String>,
    /// Only those at which a person must look.
    attention: Option<bool>,
    /// Of this agent.
    agent: Option<String>,
    /// `mock` or `real`.
    #[param(schema_with = forms::mode, required = false)]
    mode: Option<Mode>,
    /// Started by this person.
    requester: Option<String>,
    /// Created then or later: milliseconds since the Unix epoch.
    from: Option<i64>,
    /// Created before: milliseconds since the Unix epoch.
    to: Option<i64>,
    /// Only those older than this run.
    before: Option<String>,
    /// Where to begin; stronger than `before`.
    cursor: Option<String>,
    /// How many, 1 to 500; usually 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Where in a journal to begin.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct JournalQuery {
    /// Only events after this position.
    after: Option<u64>,
    /// Where to begin; stronger than `after`.
    cursor: Option<String>,
    /// How many, 1 to 500; usually 500.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Lists runs, newest first.
#[utoipa::path(
    get,
    path = "/runs",
    operation_id = "list_runs",
    tag = "runs",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    params(RunQuery),
    responses((status = 200, body = Page<Run>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn list_runs(
    State(api): State<Api>,
    Asked(query): Asked<RunQuery>,
) -> Answer<Json<Page<Run>>> {
    let limit = page::limit(query.limit);
    let recipe = match &query.recipe {
        Some(name) => Some(services::recipes::find(&api.services, name).await?.id),
        None => None,
    };
    let filter = RunFilter {
        statuses: statuses(query.status.as_deref())?,
        recipe,
        parent: query.parent.as_deref().map(id).transpose()?,
        needs_attention: query.attention.unwrap_or(false),
        agent: query.agent,
        mode: query.mode,
        requester: query.requester,
        created_from: query.from.map(Timestamp::from_millis),
        created_to: query.to.map(Timestamp::from_millis),
        before: match page::after(query.cursor.as_deref())? {
            Some(run) => Some(run),
            None => query.before.as_deref().map(id).transpose()?,
        },
        limit: limit + 1,
    };
    let rows = runs::list(&api.services, filter).await?;
    let items = rows.into_iter().map(Run::from).collect();
    Ok(Json(Page::cut(items, limit, |run: &Run| run.run)))
}

/// Starts a run of a recipe. With an `Idempotency-Key` it is started once, whatever happens in between.
#[utoipa::path(
    post,
    path = "/runs",
    operation_id = "start_run",
    tag = "runs",
    extensions(("x-role" = json!("operator")), ("x-scope" = json!("run"))),
    request_body = StartRun,
    responses((status = 201, body = Started), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn start_run(
    State(api): State<Api>,
    Caller(caller): Caller,
    key: Option<Extension<StartKey>>,
    Body(wish): Body<StartRun>,
) -> Answer<(StatusCode, Json<Started>)> {
    let start_key = match &wish.start_key {
        Some(key) => Some(RepeatKey::of_wish(&caller.actor, key)?),
        None => key.map(|Extension(StartKey(key))| key),
    };
    let wish = runs::StartRun {
        recipe: wish.recipe,
        version: wish.version,
        agent: wish.agent,
        inputs: wish.inputs,
        mode: wish.mode,
        requester: caller.actor,
        start_key,
    };
    let created = runs::start(&api.services, wish).await?;
    Ok(started(created))
}

/// A run with its steps, artifacts, and what it waits for.
#[utoipa::path(
    get,
    path = "/runs/{run}",
    operation_id = "get_run",
    tag = "runs",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    params(("run" = String, Path, description = "The run")),
    responses((status = 200, body = RunDetail), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn get_run(State(api): State<Api>, Path(run): Path<String>) -> Answer<Json<RunDetail>> {
    let view = runs::view(&api.services, id(&run)?).await?;
    Ok(Json(view.into()))
}

/// The journal of a run, oldest first.
#[utoipa::path(
    get,
    path = "/runs/{run}/journal",
    operation_id = "list_journal",
    tag = "runs",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    params(("run" = String, Path, description = "The run"), JournalQuery),
    responses((status = 200, body = Page<JournalEntry>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn list_journal(
    State(api): State<Api>,
    Path(run): Path<String>,
    Asked(query): Asked<JournalQuery>,
) -> Answer<Json<Page<JournalEntry>>> {
    let limit = page::limit(Some(query.limit.unwrap_or(page::MOST)));
    let after: Option<u64> = page::after(query.cursor.as_deref())?;
    let after = after.or(query.after).unwrap_or(0);
    let events = runs::journal(&api.services, id(&run)?, after, limit + 1).await?;
    let items = events.into_iter().map(JournalEntry::from).collect();
    Ok(Json(Page::cut(items, limit, |entry: &JournalEntry| entry.seq)))
}

/// Answers an input that the run asks for.
#[utoipa::path(
    post,
    path = "/runs/{run}/inputs",
    operation_id = "give_input",
    tag = "runs",
    extensions(("x-role" = json!("operator")), ("x-scope" = json!("run"))),
    params(("run" = String, Path, description = "The run")),
    request_body = GiveInput,
    responses((status = 202), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn give_input(
    State(api): State<Api>,
    Caller(caller): Caller,
    Path(run): Path<String>,
    Body(wish): Body<GiveInput>,
) -> Answer<StatusCode> {
    runs::give_input(&api.services, id(&run)?, &wish.name, wish.value, &caller.actor).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Says that a task is done or failed, or that a statement holds or doesn't.
#[utoipa::path(
    post,
    path = "/runs/{run}/tasks",
    operation_id = "end_task",
    tag = "runs",
    extensions(("x-role" = json!("operator")), ("x-scope" = json!("run"))),
    params(("run" = String, Path, description = "The run")),
    request_body = EndTask,
    responses((status = 202), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn end_task(
    State(api): State<Api>,
    Caller(caller): Caller,
    Path(run): Path<String>,
    Body(wish): Body<EndTask>,
) -> Answer<StatusCode> {
    runs::task(
        &api.services,
        id(&run)?,
        &wish.step,
        wish.ok,
        &wish.note,
        &caller.actor,
    )
    .await?;
    Ok(StatusCode::ACCEPTED)
}

/// Sends a named signal; it waits in the run until a step asks for it.
#[utoipa::path(
    post,
    path = "/runs/{run}/signals",
    operation_id = "send_signal",
    tag = "runs",
    extensions(("x-role" = json!("operator")), ("x-scope" = json!("run"))),
    params(("run" = String, Path, description = "The run")),
    request_body = SendSignal,
    responses((status = 202), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn send_signal(
    State(api): State<Api>,
    Caller(caller): Caller,
    key: Option<Extension<StartKey>>,
    Path(run): Path<String>,
    Body(wish): Body<SendSignal>,
) -> Answer<StatusCode> {
    let key = key.map(|Extension(StartKey(key))| key);
    runs::signal(
        &api.services,
        id(&run)?,
        &wish.name,
        wish.payload,
        key,
        &caller.actor,
    )
    .await?;
    Ok(StatusCode::ACCEPTED)
}

/// Says what an uncertain step did.
#[utoipa::path(
    post,
    path = "/runs/{run}/resolve",
    operation_id = "resolve_step",
    tag = "runs",
    extensions(("x-role" = json!("operator")), ("x-scope" = json!("run"))),
    params(("run" = String, Path, description = "The run")),
    request_body = ResolveStep,
    responses((status = 202), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn resolve_step(
    State(api): State<Api>,
    Caller(caller): Caller,
    Path(run): Path<String>,
    Body(wish): Body<ResolveStep>,
) -> Answer<StatusCode> {
    let word = match wish.word {
        Word::Happened => WordOf::Happened(wish.output),
        Word::Redo => WordOf::Redo,
        Word::Failed => WordOf::Failed,
    };
    runs::resolve(
        &api.services,
        id(&run)?,
        &wish.step,
        word,
        &wish.note,
        &caller.actor,
    )
    .await?;
    Ok(StatusCode::ACCEPTED)
}

/// Holds a run: calls under way end, nothing new begins.
#[utoipa::path(
    post,
    path = "/runs/{run}/pause",
    operation_id = "pause_run",
    tag = "runs",
    extensions(("x-role" = json!("operator")), ("x-scope" = json!("run"))),
    params(("run" = String, Path, description = "The run")),
    responses((status = 202), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn pause_run(
    State(api): State<Api>,
    Caller(caller): Caller,
    Path(run): Path<String>,
) -> Answer<StatusCode> {
    runs::pause(&api.services, id(&run)?, &caller.actor).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Lets a held run go on.
#[utoipa::path(
    post,
    path = "/runs/{run}/resume",
    operation_id = "resume_run",
    tag = "runs",
    extensions(("x-role" = json!("operator")), ("x-scope" = json!("run"))),
    params(("run" = String, Path, description = "The run")),
    responses((status = 202), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn resume_run(
    State(api): State<Api>,
    Caller(caller): Caller,
    Path(run): Path<String>,
) -> Answer<StatusCode> {
    runs::resume(&api.services, id(&run)?, &caller.actor).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Stops a run at its next safe point and undoes what it did.
#[utoipa::path(
    post,
    path = "/runs/{run}/cancel",
    operation_id = "cancel_run",
    tag = "runs",
    extensions(("x-role" = json!("operator")), ("x-scope" = json!("run"))),
    params(("run" = String, Path, description = "The run")),
    request_body = StopRun,
    responses((status = 202), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn cancel_run(
    State(api): State<Api>,
    Caller(caller): Caller,
    Path(run): Path<String>,
    Body(wish): Body<StopRun>,
) -> Answer<StatusCode> {
    runs::cancel(&api.services, id(&run)?, &caller.actor, &wish.reason).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Stops a run now. Writes under way become uncertain; nothing is undone.
#[utoipa::path(
    post,
    path = "/runs/{run}/kill",
    operation_id = "kill_run",
    tag = "runs",
    extensions(("x-role" = json!("operator")), ("x-scope" = json!("run"))),
    params(("run" = String, Path, description = "The run")),
    request_body = StopRun,
    responses((status = 202), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn kill_run(
    State(api): State<Api>,
    Caller(caller): Caller,
    Path(run): Path<String>,
    Body(wish): Body<StopRun>,
) -> Answer<StatusCode> {
    runs::kill(&api.services, id(&run)?, &caller.actor, &wish.reason).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Starts a run anew from one of its steps: what was finished before it is kept.
#[utoipa::path(
    post,
    path = "/runs/{run}/restart",
    operation_id = "restart_run",
    tag = "runs",
    extensions(("x-role" = json!("operator")), ("x-scope" = json!("run"))),
    params(("run" = String, Path, description = "The run")),
    request_body = RestartRun,
    responses((status = 201, body = Started), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn restart_run(
    State(api): State<Api>,
    Caller(caller): Caller,
    key: Option<Extension<StartKey>>,
    Path(run): Path<String>,
    Body(wish): Body<RestartRun>,
) -> Answer<(StatusCode, Json<Started>)> {
    let key = key.map(|Extension(StartKey(key))| key);
    let created = runs::restart(&api.services, id(&run)?, &wish.from, key, &caller.actor).await?;
    Ok(started(created))
}

/// Runs that were given up, newest first.
#[utoipa::path(
    get,
    path = "/dead-letters",
    operation_id = "list_dead_letters",
    tag = "runs",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    params(PageQuery),
    responses((status = 200, body = Page<GivenUp>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn list_dead_letters(
    State(api): State<Api>,
    Asked(query): Asked<PageQuery>,
) -> Answer<Json<Page<GivenUp>>> {
    let limit = page::limit(query.limit);
    let before: Option<Keys<Timestamp, RunId>> = page::after(query.cursor.as_deref())?;
    let wanted = LetterFilter {
        before: before.map(|Keys(at, run)| (at, run)),
        limit: limit + 1,
    };
    let letters = runs::dead_letters(&api.services, wanted).await?;
    let items = letters.into_iter().map(GivenUp::from).collect();
    Ok(Json(Page::cut(items, limit, |letter: &GivenUp| {
        Keys(letter.at, letter.run)
    })))
}

pub(crate) fn started(created: ports::Created) -> (StatusCode, Json<Started>) {
    let ports::Created { run, new, .. } = created;
    (StatusCode::CREATED, Json(Started { run, new }))
}

fn statuses(text: Option<&str>) -> Answer<Vec<RunStatus>> {
    let Some(text) = text else { return Ok(Vec::new()) };
    text.split(',')
        .map(|one| {
            one.trim().parse().map_err(|error: types::UnknownStatus| {
                let message = error.to_string();
                let fault = Fault::new("?status", message.clone());
                Refusal::new("query_invalid", message).with(vec![fault])
            })
        })
        .collect()
}
