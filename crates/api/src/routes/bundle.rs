//! Recipes and what belongs to them as files: out as a bundle, in from a bundle or a single file.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, Query, Request, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use services::recipes::bundle::{self, Piece};
use services::recipes::exchange::{self, From};
use tokio::task::spawn_blocking;
use types::Failure;
use utoipa::IntoParams;

use crate::Api;
use crate::http::body::{bytes_of, kind_of};
use crate::http::etag;
use crate::http::identity::Caller;
use crate::http::page::Asked;
use crate::http::problem::{Answer, Fault, Problem, Refusal};
use crate::wire::bundle::{BundleChange, Imported};
use crate::wire::forms;

/// A bundle.
const ZIP: &str = "application/zip";
/// A single document of YAML.
const YAML: [&str; 4] = [
    "application/yaml",
    "application/x-yaml",
    "text/yaml",
    "text/x-yaml",
];

/// How files are taken over.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportQuery {
    /// Only say what would be done.
    #[serde(default)]
    dry_run: bool,
    /// Let runs follow the recipes from now on.
    #[serde(default)]
    activate: bool,
    /// `anywhere` for documents of every kind, which is what is done if not said; `folder` for one
    /// `SLUG.yaml` for each recipe, and nothing else.
    #[param(schema_with = forms::files_from, required = false)]
    from: Option<Kind>,
    /// The name of a single file, such as `lamp.yaml`; it names what has no name of its own.
    name: Option<String>,
}

/// How files are read.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Documents of every kind.
    Anywhere,
    /// One file for each recipe, named by its slug.
    Folder,
}

/// The recipes as a ZIP archive: `recipes/SLUG.yaml` for each, as it was saved.
///
/// With agents, kept workflows and kept guardrails, unless some recipes are named.
#[utoipa::path(
    get,
    path = "/bundle",
    operation_id = "export_bundle",
    tag = "recipes",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    params(
        ("recipe" = Option<Vec<String>>, Query, description = "Slug, name or id of a recipe, as often as there are recipes: only these, and nothing else"),
        ("calls" = Option<bool>, Query, description = "Those of calls by hand too"),
    ),
    responses((status = 200, body = Value, content_type = "application/zip"), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn export_bundle(
    State(api): State<Api>,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Answer<Response> {
    let wrong = |why: String| Refusal::new("query_invalid", why);
    let Query(pairs) = query.map_err(|error| wrong(error.body_text()))?;
    let (mut names, mut calls) = (Vec::new(), false);
    for (key, value) in pairs {
        match key.as_str() {
            "recipe" => names.push(value),
            "calls" => {
                calls = value
                    .parse()
                    .map_err(|_| wrong("calls is true or false".to_owned()))?;
            }
            _ => {
                return Err(wrong(format!(
                    "unknown field `{key}`, expected `recipe` or `calls`"
                )));
            }
        }
    }
    let pieces = exchange::export(&api.services, &names, calls).await?;
    let packed = beside(move || bundle::pack(&pieces)).await??;
    let headers = [
        (header::CONTENT_TYPE, ZIP),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"agentops-recipes.zip\"",
        ),
    ];
    Ok((headers, packed).into_response())
}

/// Takes over recipes, workflows, agents, guardrails and manifests of tools from a bundle or a single file.
///
/// With any problem nothing is changed: the refusal lists each with its place, and `dry_run=true` answers
/// the whole report with an `ETag`: sent along as `If-Match`, nothing is taken over if by then something
/// else would be done. Tools and guardrails ask for the role and the scope admin besides, and tools
/// with actions that would run unasked for a person. A bundle has at
/// most 16 MiB, 1,000 files, 32 MiB unpacked and 4 MiB for one file.
#[utoipa::path(
    post,
    path = "/bundle",
    operation_id = "import_bundle",
    tag = "recipes",
    extensions(("x-role" = json!("operator")), ("x-scope" = json!("write"))),
    params(ImportQuery),
    request_body(
        description = "A ZIP archive, or one document",
        content((Value = "application/zip"), (String = "application/yaml"), (Value = "application/json")),
    ),
    responses((status = 200, body = Imported), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn import_bundle(
    State(api): State<Api>,
    Caller(caller): Caller,
    headers: HeaderMap,
    Asked(query): Asked<ImportQuery>,
    Sent(pieces): Sent,
) -> Answer<Response> {
    let _turn = api.import_turn()?;
    let pieces = pieces.read(query.name).await?;
    let from = match query.from {
        Some(Kind::Folder) => From::Folder,
        Some(Kind::Anywhere) | None => From::Anywhere,
    };
    let plan = exchange::plan(&api.services, &pieces, from, query.activate).await?;
    exchange::may(&api.services, &plan, &caller)?;
    let planned: Vec<BundleChange> = plan.changes.iter().cloned().map(Into::into).collect();
    if query.dry_run {
        let tag = [(header::ETAG, etag::of(&planned))];
        return Ok((tag, Json(Imported::of(plan, None))).into_response());
    }
    etag::check(&headers, &planned)?;
    match exchange::apply(&api.services, &plan, &caller).await {
        Ok(done) => Ok(Json(Imported::of(plan, Some(done))).into_response()),
        Err(failure) => Err(refused(failure, plan.problems)),
    }
}

/// The refusal, with every problem of the plan.
fn refused(failure: Failure, problems: Vec<exchange::Problem>) -> Refusal {
    let mut refusal = Refusal::from(failure);
    refusal.problems = problems
        .into_iter()
        .map(|problem| Fault {
            at: problem.at,
            message: format!("{} [{}]", problem.message, problem.code),
        })
        .collect();
    refusal
}

/// A body of files.
pub(crate) struct Sent(Files);

enum Files {
    Bundle(bytes::Bytes),
    /// A single file, and how its name ends.
    Single(bytes::Bytes, &'static str),
}

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let ending = match kind_of(request.headers()).as_str() {
            ZIP => None,
            "application/json" => Some("json"),
            kind if YAML.contains(&kind) => Some("yaml"),
            _ => {
                let message = "the body is a ZIP archive, or a document of YAML or JSON";
                let hint = "send it with Content-Type: application/zip, application/yaml or application/json";
                return Err(Refusal::new("body_type_unknown", message).hint(hint));
            }
        };
        let bytes = bytes_of(request, state).await?;
        Ok(Self(match ending {
            None => Files::Bundle(bytes),
            Some(ending) => Files::Single(bytes, ending),
        }))
    }
}

impl Files {
    async fn read(self, name: Option<String>) -> Answer<Vec<Piece>> {
        let (bytes, ending) = match self {
            Files::Bundle(bytes) => return Ok(beside(move || bundle::unpack(&bytes)).await??),
            Files::Single(bytes, ending) => (bytes, ending),
        };
        let path = match name {
            Some(name) if name.contains('.') => name,
            Some(name) => format!("{name}.{ending}"),
            None => format!("input.{ending}"),
        };
        Ok(bundle::single(path, bytes.into())?)
    }
}

/// Does work that takes a while on a thread of its own.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
    spawn_blocking(work)
        .await
        .map_err(|error| Refusal::new("internal", format!("packing or unpacking broke off: {error}")))
}
