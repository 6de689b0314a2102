//! The page `/reference`: every operation and form of the API, for people.

use std::fmt::Write as _;
use std::sync::OnceLock;

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::Value;
use types::CODES;

use super::frame::{HTML, framed, tagged};
use super::reference::{Field, Operation, by_tag, fields, schemas, text_of};
use super::text::{escaped, inline};
use crate::http::problem::status_of;
use crate::openapi;

/// What every request may meet before its route is asked.
const ALWAYS: [&str; 12] = [
    "sign_in_needed",
    "signed_out",
    "token_refused",
    "role_missing",
    "scope_missing",
    "csrf_missing",
    "if_match_unheeded",
    "query_invalid",
    "rate_limited",
    "server_busy",
    "request_timed_out",
    "internal",
];

/// `/reference`.
pub(super) async fn page(headers: HeaderMap) -> Response {
    static PAGE: OnceLock<String> = OnceLock::new();
    let page = PAGE.get_or_init(|| framed("API reference", "/reference", &body(openapi::document_json())));
    tagged(&headers, StatusCode::OK, HTML, page.clone())
}

fn body(document: &Value) -> String {
    let tags = by_tag(document);
    let mut text = String::from("<div class=\"wide\">");
    push_contents(&mut text, &tags);
    text.push_str("<main id=\"main\" data-search><h1>API reference</h1>");
    let about = document.pointer("/info/description").and_then(Value::as_str);
    push_paragraphs(&mut text, about.unwrap_or_default());
    text.push_str(
        "<p>The same for programs: <a href=\"/openapi.json\">openapi.json</a>.</p>\
         <label class=\"search\" hidden>Find a request or a form \
         <input id=\"search\" type=\"search\" autocomplete=\"off\"></label>",
    );
    for (tag, operations) in &tags {
        let name = escaped(tag);
        let _ = write!(
            text,
            "<section data-group aria-labelledby=\"noun-{name}\"><h2 id=\"noun-{name}\">{name}</h2>"
        );
        for one in operations {
            push_operation(&mut text, document, one);
        }
        text.push_str("</section>");
    }
    push_refusals(&mut text);
    text.push_str("<section data-group aria-labelledby=\"forms\"><h2 id=\"forms\">Forms</h2>");
    for (name, schema) in schemas(document) {
        let about = text_of(schema, "description");
        let _ = write!(
            text,
            "<details data-one id=\"{0}\"><summary><code>{0}</code><span class=\"what\">{1}</span></summary><div>",
            escaped(name),
            inline(about.split("\n\n").next().unwrap_or_default())
        );
        match fields(schema) {
            none if none.is_empty() => text.push_str("<p class=\"quiet\">It has no fields of its own.</p>"),
            all => push_fields(&mut text, document, &all),
        }
        text.push_str("</div></details>");
    }
    text.push_str("</section></main></div>");
    text
}

fn push_contents(text: &mut String, tags: &[(&str, Vec<Operation<'_>>)]) {
    text.push_str("<nav class=\"contents\" aria-label=\"Contents\"><ul>");
    for (tag, operations) in tags {
        let _ = write!(text, "<li><a href=\"#noun-{0}\">{0}</a><ul>", escaped(tag));
        for one in operations {
            let _ = write!(
                text,
                "<li><a href=\"#{}\">{}</a></li>",
                escaped(one.id),
                escaped(&one.id.replace('_', " "))
            );
        }
        text.push_str("</ul></li>");
    }
    text.push_str(
        "<li><a href=\"#refusals\">refusals</a></li><li><a href=\"#forms\">forms</a></li></ul></nav>",
    );
}

fn push_operation(text: &mut String, document: &Value, one: &Operation<'_>) {
    let _ = write!(
        text,
        "<details class=\"op\" data-one id=\"{id}\"><summary><span class=\"method {method}\">{method}</span>\
         <code class=\"path\">{path}</code><span class=\"what\">{what}</span><span class=\"role\">{role}</span>\
         </summary><div><p class=\"quiet\">{asks} Operation <code>{id}</code>.</p>",
        id = escaped(one.id),
        method = escaped(&one.method),
        path = breakable(one.path),
        what = inline(one.summary),
        role = escaped(one.role),
        asks = asks(one),
    );
    push_paragraphs(text, one.description);
    if !one.parameters.is_empty() {
        text.push_str("<h3>Parameters</h3>");
        push_fields(text, document, &one.parameters);
    }
    if let Some(body) = one.body {
        let _ = write!(text, "<h3>Body</h3><p>{}</p>", linked(document, body));
        let schema = schemas(document).find(|(name, _)| *name == body);
        let fields = schema.map(|(_, schema)| fields(schema)).unwrap_or_default();
        push_fields(text, document, &fields);
    }
    if !one.files.is_empty() {
        let kinds: Vec<String> = one
            .files
            .iter()
            .map(|kind| format!("<code>{}</code>", escaped(kind)))
            .collect();
        let _ = write!(text, "<h3>Body, of other kinds</h3><p>{}</p>", kinds.join(", "));
    }
    text.push_str("<h3>Answers</h3><dl class=\"fields\">");
    for (status, form) in &one.answers {
        let form = match *form {
            "" => "<span class=\"quiet\">see above</span>".to_owned(),
            form => linked(document, form),
        };
        let form = match *status {
            "202" | "204" => "<span class=\"quiet\">no body</span>",
            _ => &form,
        };
        let _ = write!(
            text,
            "<div><dt><code>{}</code></dt><dd>{form}</dd></div>",
            escaped(status)
        );
    }
    let codes = own_refusals(one);
    let links: Vec<String> = codes.iter().map(|code| inline(&format!("`{code}`"))).collect();
    let links = match links.is_empty() {
        true => String::new(),
        false => format!("{}, and ", links.join(", ")),
    };
    let _ = write!(
        text,
        "</dl><h3>Refusals</h3><p>{links}what <a href=\"#refusals\">every request</a> may meet.</p></div></details>"
    );
}

/// What somebody must be to ask.
fn asks(one: &Operation<'_>) -> String {
    match (one.role, one.scope) {
        ("public", _) => "Anybody may ask.".to_owned(),
        (role, scope) => format!(
            "Asks for the role <strong>{}</strong>, and of a token the scope <strong>{}</strong>.",
            escaped(role),
            escaped(scope)
        ),
    }
}

/// The codes that the form of a request brings with it, besides those of every request.
fn own_refusals(one: &Operation<'_>) -> Vec<&'static str> {
    let has = |place: &str, name: &str| {
        let mut all = one.parameters.iter();
        all.any(|field| field.place == place && (name.is_empty() || field.name.eq_ignore_ascii_case(name)))
    };
    let takes_body = one.body.is_some() || !one.files.is_empty();
    [
        (has("path", ""), "not_found"),
        (
            has("query", "cursor") || has("header", "last-event-id"),
            "cursor_invalid",
        ),
        (takes_body, "body_type_unknown"),
        (takes_body, "body_unreadable"),
        (one.body.is_some(), "body_invalid"),
        (takes_body, "payload_too_large"),
        (has("header", "if-match"), "etag_stale"),
        (has("header", "idempotency-key"), "request_under_way"),
    ]
    .into_iter()
    .filter_map(|(may, code)| may.then_some(code))
    .collect()
}

fn push_refusals(text: &mut String) {
    let list = |codes: &[&str]| {
        let links: Vec<String> = codes.iter().map(|code| inline(&format!("`{code}`"))).collect();
        links.join(", ")
    };
    let _ = write!(
        text,
        "<section><h2 id=\"refusals\">Refusals</h2><p>Every refusal is a <a href=\"#Problem\">problem document</a>; \
         its <code>type</code> leads to the page of its <code>code</code>. What every request may meet: {}.</p>\
         <p>The status that goes with a code; one that isn't here is answered with 422 (a request that was understood \
         and can't be done as it stands). <a href=\"/errors\">All codes</a>.</p><dl class=\"fields\">",
        list(&ALWAYS)
    );
    let mut statuses: Vec<u16> = CODES.iter().map(|code| status_of(code).as_u16()).collect();
    statuses.sort_unstable();
    statuses.dedup();
    for status in statuses.into_iter().filter(|status| *status != 422) {
        let codes: Vec<&str> = CODES
            .iter()
            .copied()
            .filter(|code| status_of(code).as_u16() == status)
            .collect();
        let _ = write!(
            text,
            "<div><dt><code>{status}</code></dt><dd>{}</dd></div>",
            list(&codes)
        );
    }
    text.push_str("</dl></section>");
}

fn push_fields(text: &mut String, document: &Value, all: &[Field<'_>]) {
    if all.is_empty() {
        return;
    }
    text.push_str("<dl class=\"fields\">");
    for field in all {
        let place = match field.place {
            "" => String::new(),
            place => format!("{} · ", escaped(place)),
        };
        let must = if field.required { " · required" } else { "" };
        let _ = write!(
            text,
            "<div><dt><code>{}</code><span class=\"form\">{place}{}{must}</span></dt><dd>{}</dd></div>",
            escaped(field.name),
            linked(document, &field.form),
            inline(field.meaning)
        );
    }
    text.push_str("</dl>");
}

fn push_paragraphs(text: &mut String, words: &str) {
    for paragraph in words.split("\n\n").filter(|paragraph| !paragraph.is_empty()) {
        let _ = write!(text, "<p>{}</p>", inline(&paragraph.replace('\n', " ")));
    }
}

/// A form in words, each name of a form leading to it.
fn linked(document: &Value, form: &str) -> String {
    let known = &document["components"]["schemas"];
    let words = form.split(' ').map(|word| match known.get(word) {
        Some(_) => format!("<a href=\"#{0}\">{0}</a>", escaped(word)),
        None => escaped(word),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A path that a narrow window may break where its parts meet.
fn breakable(path: &str) -> String {
    escaped(path).replace('/', "/<wbr>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_link_of_the_page_leads_somewhere() {
        let page = body(openapi::document_json());
        let mut targets = 0;
        for target in page
            .split("href=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
        {
            targets += 1;
            if let Some(id) = target.strip_prefix('#') {
                assert_eq!(page.matches(&format!(" id=\"{id}\"")).count(), 1, "{target}");
            } else if let Some(code) = target.strip_prefix("/errors/") {
                assert!(CODES.contains(&code), "{target}");
            } else {
                assert!(["/openapi.json", "/errors"].contains(&target), "{target}");
            }
        }
        assert!(targets > 300, "{targets}");
        let shown = page.replace("<wbr>", "");
        let signs = shown.split('>').filter_map(|part| part.split('<').next());
        for text in signs {
            assert!(!text.contains('`'), "Markdown is shown raw: {text}");
        }
    }

    #[test]
    fn every_operation_says_what_it_asks_for_and_takes() {
        let page = body(openapi::document_json());
        let start = page.split("id=\"start_run\"").nth(1).expect("the operation");
        let start = start.split("</details>").next().expect("its end");
        for part in [
            "POST",
            "the role <strong>operator</strong>, and of a token the scope <strong>run</strong>",
            "Idempotency-Key",
            "<a href=\"#StartRun\">StartRun</a>",
            "<code>recipe</code><span class=\"form\">string · required</span>",
            "<code>201</code></dt><dd><a href=\"#Started\">Started</a>",
            "<a href=\"/errors/body_invalid\">",
        ] {
            assert!(start.contains(part), "{part} in {start}");
        }
        for code in ALWAYS {
            assert!(CODES.contains(&code), "{code}");
        }
    }
}
