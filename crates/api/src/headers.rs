//! What operations take in their heads, for the OpenAPI document: how somebody shows who they are, and
//! the headers that the gate, repeated requests, ETags and streams look at.

use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{OpenApi, RefOr, Required, SecurityRequirement};

use crate::http::identity::CSRF;
use crate::http::repeat;

/// The scheme of a signed-in browser; this or a token is enough.
pub(crate) const SESSION: &str = "session";
/// The scheme of an API token.
pub(crate) const TOKEN: &str = "token";

/// Operations that answer 304 to somebody who has the document already.
const TAKE_IF_NONE_MATCH: [&str; 5] = [
    "get_agent",
    "get_recipe",
    "get_recipe_version",
    "get_setting",
    "get_user",
];
/// Operations that change only what their caller has seen.
const TAKE_IF_MATCH: [&str; 7] = [
    "activate_recipe_version",
    "archive_agent",
    "change_user",
    "import_bundle",
    "put_agent",
    "put_setting",
    "save_recipe",
];
/// Streams that go on where a client has stopped.
const TAKE_LAST_EVENT_ID: [&str; 2] = ["watch_changes", "watch_run"];

/// Writes it all into the document.
pub(crate) fn describe(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        let looks = item.get.iter_mut().map(|one| ("get", one));
        let posts = item.post.iter_mut().map(|one| ("post", one));
        let others = [&mut item.put, &mut item.patch, &mut item.delete];
        let others = others.into_iter().flatten().map(|one| ("other", one));
        for (method, operation) in looks.chain(posts).chain(others) {
            describe_one(method, operation);
        }
    }
}

fn describe_one(method: &str, operation: &mut Operation) {
    let extensions = operation.extensions.as_ref();
    let role = extensions.and_then(|extensions| extensions.get("x-role")?.as_str());
    let public = role == Some("public");
    let id = operation.operation_id.clone().unwrap_or_default();
    let listed = |list: &[&str]| list.contains(&id.as_str());
    let nothing: [&str; 0] = [];
    operation.security = Some(match public {
        true => Vec::new(),
        false => [SESSION, TOKEN]
            .map(|scheme| SecurityRequirement::new(scheme, nothing))
            .into(),
    });
    let takes = [
        (
            !public && method != "get",
            CSRF,
            "Of a signed-in browser: what `GET /api/v1/session` tells; a token needs none",
        ),
        (
            !public && method == "post",
            repeat::KEY,
            "Sent again with the same request, it is answered again and done once",
        ),
        (
            listed(&TAKE_IF_NONE_MATCH),
            "if-none-match",
            "ETags: 304 if the document is still one of these",
        ),
        (
            listed(&TAKE_IF_MATCH),
            "if-match",
            "ETags: refused with `etag_stale` if the document is none of these any more",
        ),
        (
            listed(&TAKE_LAST_EVENT_ID),
            "last-event-id",
            "The last event's id: the stream goes on after it",
        ),
    ];
    let taken = takes.into_iter().filter(|(takes, ..)| *takes);
    let headers = taken.map(|(_, name, meaning)| RefOr::T(header(name, meaning)));
    let parameters = operation.parameters.get_or_insert_default();
    parameters.extend(headers);
    if parameters.is_empty() {
        operation.parameters = None;
    }
}

/// A header that may be left out. Names of headers have no case; these are written as usual.
fn header(name: &str, meaning: &str) -> Parameter {
    let words = name.split('-').map(|word| match word {
        "id" | "csrf" => word.to_uppercase(),
        word => word[..1].to_uppercase() + &word[1..],
    });
    ParameterBuilder::new()
        .name(words.collect::<Vec<_>>().join("-"))
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(meaning))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The handlers that say `word`, by their names, which are the operations' ids.
    fn handlers(word: &str) -> Vec<String> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/routes");
        let mut found = Vec::new();
        for file in std::fs::read_dir(folder).expect("the routes") {
            let text = std::fs::read_to_string(file.expect("a file").path()).expect("a text");
            for handler in text.split("pub(crate) async fn ").skip(1) {
                let body = handler.split("\n}\n").next().unwrap_or_default();
                if body.contains(word) {
                    found.push(handler.split('(').next().unwrap_or_default().to_owned());
                }
            }
        }
        found.sort();
        found
    }

    #[test]
    fn the_document_names_the_headers_that_handlers_look_at() {
        let mut checking = handlers("etag::check(");
        checking.extend(handlers("if_seen("));
        checking.sort();
        assert_eq!(checking, TAKE_IF_MATCH);
        assert_eq!(handlers("etag::answer(&headers"), TAKE_IF_NONE_MATCH);
        assert_eq!(handlers("last_id("), TAKE_LAST_EVENT_ID);
    }
}
