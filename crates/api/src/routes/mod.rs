//! The routes, one file per noun: parse, call a use case, convert.

pub(crate) mod agents;
pub(crate) mod approvals;
pub(crate) mod artifacts;
pub(crate) mod audit;
pub(crate) mod bundle;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod recipes;
pub(crate) mod runs;
pub(crate) mod sandbox;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod tokens;
pub(crate) mod tools;
pub(crate) mod users;

use std::str::FromStr;

use axum::extract::DefaultBodyLimit;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;
use crate::http::problem::{Answer, Refusal};

/// The largest bundle, in bytes.
pub(crate) const LARGEST_BUNDLE: usize = services::recipes::bundle::MOST_BYTES as usize;

/// Every route of the API, below `/api/v1`.
pub(crate) fn nouns() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(health::get_about))
        .routes(routes!(
            sessions::sign_in,
            sessions::get_session,
            sessions::sign_out
        ))
        .routes(routes!(sessions::sign_out_everywhere))
        .routes(routes!(sessions::change_password))
        .routes(routes!(sessions::look_at_link))
        .routes(routes!(sessions::use_link))
        .routes(routes!(users::list_users, users::add_user))
        .routes(routes!(users::get_user, users::change_user))
        .routes(routes!(users::make_user_link))
        .routes(routes!(users::list_groups))
        .routes(routes!(tokens::list_tokens, tokens::make_token))
        .routes(routes!(tokens::revoke_token))
        .routes(routes!(agents::list_agents, agents::make_agent))
        .routes(routes!(
            agents::get_agent,
            agents::put_agent,
            agents::archive_agent
        ))
        .routes(routes!(recipes::list_recipes, recipes::save_recipe))
        .routes(routes!(recipes::check_recipe))
        .merge(bundles())
        .routes(routes!(recipes::get_recipe_schema))
        .routes(routes!(recipes::get_recipe))
        .routes(routes!(recipes::list_recipe_versions))
        .routes(routes!(recipes::get_recipe_version))
        .routes(routes!(recipes::activate_recipe_version))
        .routes(routes!(tools::list_tools, tools::add_tool))
        .routes(routes!(tools::get_tool, tools::remove_tool))
        .routes(routes!(tools::get_tool_health))
        .routes(routes!(tools::put_mcp_server))
        .routes(routes!(tools::refresh_tool))
        .routes(routes!(tools::pause_tool))
        .routes(routes!(tools::resume_tool))
        .routes(routes!(tools::get_action))
        .routes(routes!(tools::put_action_rule))
        .routes(routes!(tools::put_action_class))
        .routes(routes!(tools::call_action))
        .routes(routes!(runs::list_runs, runs::start_run))
        .routes(routes!(runs::get_run))
        .routes(routes!(runs::list_journal))
        .routes(routes!(events::watch_run))
        .routes(routes!(runs::give_input))
        .routes(routes!(runs::end_task))
        .routes(routes!(runs::send_signal))
        .routes(routes!(runs::resolve_step))
        .routes(routes!(runs::pause_run))
        .routes(routes!(runs::resume_run))
        .routes(routes!(runs::cancel_run))
        .routes(routes!(runs::kill_run))
        .routes(routes!(runs::restart_run))
        .routes(routes!(runs::list_dead_letters))
        .routes(routes!(approvals::list_approvals))
        .routes(routes!(approvals::get_approval))
        .routes(routes!(approvals::decide_approval))
        .routes(routes!(artifacts::list_artifacts))
        .routes(routes!(artifacts::get_artifact))
        .routes(routes!(settings::list_settings))
        .routes(routes!(settings::get_setting, settings::put_setting))
        .routes(routes!(settings::list_secrets))
        .routes(routes!(settings::put_secret, settings::remove_secret))
        .routes(routes!(audit::list_audit_leaves))
        .routes(routes!(events::watch_changes))
        .routes(routes!(sandbox::list_sandbox_vendors))
        .routes(routes!(sandbox::get_sandbox_diff))
        .routes(routes!(sandbox::get_sandbox_vendor))
}

/// Where bundles go in and out.
pub(crate) const BUNDLE: &str = "/api/v1/bundle";

/// A bundle may be larger than other bodies.
fn bundles() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(bundle::export_bundle, bundle::import_bundle))
        .layer(DefaultBodyLimit::max(LARGEST_BUNDLE))
}

/// Whether the process is well; at the root, where those who watch processes look.
pub(crate) fn probes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(health::get_health))
        .routes(routes!(health::get_readiness))
}

/// An id in a path or a query. One that can't be an id names nothing.
pub(crate) fn id<T: FromStr>(text: &str) -> Answer<T>
where
    T::Err: std::fmt::Display,
{
    text.parse()
        .map_err(|error: T::Err| Refusal::new("not_found", error.to_string()))
}
