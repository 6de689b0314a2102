//! The OpenAPI document, collected from the handlers, and the page that shows it.

use std::sync::OnceLock;

use serde_json::Value;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;

use crate::http::identity::COOKIE;
use crate::{Api, headers, routes};

#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "AgentOps",
    description = "Runs operational procedures with a person's approval where it counts.\n\n\
        Every operation says in `x-role` which role it asks for and in `x-scope` which scope an API \
        token needs besides; `public` asks for neither. Refusals are problem documents (RFC 9457) with \
        a stable `code`. Any POST but the public ones may carry an `Idempotency-Key`: sent again with \
        the same body it is answered again and done once. Instants are milliseconds since the Unix epoch, UTC.",
    license(name = "Apache-2.0", identifier = "Apache-2.0")
))]
struct Base;

/// The routes and the document that describes them.
pub(crate) fn router() -> (axum::Router<Api>, OpenApi) {
    let (router, mut document) = OpenApiRouter::with_openapi(Base::openapi())
        .merge(routes::probes())
        .nest("/api/v1", routes::nouns())
        .split_for_parts();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme(
        headers::SESSION,
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(COOKIE))),
    );
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.add_security_scheme(headers::TOKEN, SecurityScheme::Http(bearer));
    headers::describe(&mut document);
    (router, document)
}

/// The document.
fn document() -> OpenApi {
    router().1
}

/// The document as JSON, made once, and the same every time: what handlers say beside the standard's
/// own fields comes from hash maps and is put in order here.
pub fn document_json() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        let mut document = serde_json::to_value(document()).unwrap_or_default();
        let paths = document.get_mut("paths").and_then(Value::as_object_mut);
        let items = paths.into_iter().flat_map(|paths| paths.values_mut());
        let operations = items
            .filter_map(Value::as_object_mut)
            .flat_map(|item| item.values_mut());
        for operation in operations.filter_map(Value::as_object_mut) {
            for name in ["x-role", "x-scope"] {
                if let Some(value) = operation.remove(name) {
                    operation.insert(name.to_owned(), value);
                }
            }
            // A summary is one line, however the handler's words are broken.
            if let Some(Value::String(summary)) = operation.get_mut("summary") {
                *summary = summary.replace('\n', " ");
            }
        }
        document
    })
}
