//! `jira.search`: issues by JQL, in pages by `nextPageToken`.

use serde_json::{Value, json};

use super::{api, issue};
use crate::http::Request;
use crate::{Answer, CallContext, CallError};

/// How many issues one page asks for at most.
const PAGE: usize = 50;
/// The most pages that are read; Jira may hand out short ones.
const MOST_PAGES: usize = 20;

/// Finds them.
pub(crate) async fn call(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let limit = usize::try_from(args["limit"].as_u64().unwrap_or(20)).unwrap_or(20);
    let mut issues: Vec<Value> = Vec::new();
    let mut token: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let mut body = json!({
            "jql": args["jql"],
            "fields": issue::FIELDS,
            "maxResults": PAGE.min(limit - issues.len()),
        });
        if let Some(token) = &token {
            body["nextPageToken"] = token.as_str().into();
        }
        let request = Request::post(&["rest", "api", "3", "search", "jql"]).json(body);
        let page = api::json(ctx, request).await?;
        let Some(found) = page["issues"].as_array() else {
            return Err(api::unreadable("jira answered a search without issues"));
        };
        issues.extend(found.iter().map(|found| issue::show(ctx, found)));
        token = page["nextPageToken"]
            .as_str()
            .filter(|token| !token.is_empty())
            .map(str::to_owned);
        if issues.len() >= limit || token.is_none() {
            break;
        }
    }
    let has_more = token.is_some() || issues.len() > limit;
    issues.truncate(limit);
    Ok(Answer::new(json!({ "issues": issues, "has_more": has_more })))
}
