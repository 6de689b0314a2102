//! What each route asks of its caller, read from the OpenAPI document: the document is the rule, so it
//! can't differ from it. A route without the extension `x-role` is refused to everybody.

use std::collections::HashMap;

use axum::http::Method;
use services::principal::Need;
use utoipa::openapi::{OpenApi, path::Operation};

/// What a route asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    /// Anybody may ask.
    Public,
    /// Somebody with a role, and a token's scope.
    Of(Need),
}

/// By method and path, as the router names it.
#[derive(Debug, Default)]
pub(crate) struct Needs(HashMap<(Method, String), Asks>);

impl Needs {
    /// Reads the document.
    pub(crate) fn read(document: &OpenApi) -> Self {
        let mut needs = HashMap::new();
        for (path, item) in &document.paths.paths {
            let operations = [
                (Method::GET, &item.get),
                (Method::POST, &item.post),
                (Method::PUT, &item.put),
                (Method::PATCH, &item.patch),
                (Method::DELETE, &item.delete),
            ];
            for (method, operation) in operations {
                if let Some(asks) = operation.as_ref().and_then(asks) {
                    needs.insert((method, path.clone()), asks);
                }
            }
        }
        Self(needs)
    }

    /// What a route asks for; HEAD asks what GET does.
    pub(crate) fn of(&self, method: &Method, path: &str) -> Option<Asks> {
        let method = if method == Method::HEAD {
            Method::GET
        } else {
            method.clone()
        };
        self.0.get(&(method, path.to_owned())).copied()
    }
}

fn asks(operation: &Operation) -> Option<Asks> {
    let extensions = operation.extensions.as_ref()?;
    let text = |name: &str| extensions.get(name).and_then(|value| value.as_str());
    match text("x-role")? {
        "public" => Some(Asks::Public),
        role => Some(Asks::Of(Need {
            role: role.parse().ok()?,
            scope: text("x-scope")?.parse().ok()?,
        })),
    }
}
