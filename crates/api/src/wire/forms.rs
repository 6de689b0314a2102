//! Forms that the document can't read off our types.

use serde_json::{Value, json};
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

/// Mock or real.
pub(crate) fn mode() -> Object {
    let mut form = words(&["mock", "real"]);
    form.description = Some("`mock` (the sandbox answers) or `real`.".to_owned());
    form
}

/// The same, or nothing said.
pub(crate) fn mode_or_none() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .enum_values(Some([json!("mock"), json!("real"), Value::Null]))
        .description(Some("`mock` or `real`; the setting `runs.mode` if not said."))
        .build()
}

/// The state of an approval.
pub(crate) fn approval_status() -> Object {
    words(&["pending", "approved", "denied", "expired", "void"])
}

/// How files of a bundle are read.
pub(crate) fn files_from() -> Object {
    words(&["anywhere", "folder"])
}

fn words(values: &[&str]) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(values.iter().copied()))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::rows::ApprovalStatus;

    #[test]
    fn the_words_are_those_that_are_read() {
        let words = |form: Object| serde_json::to_value(form).expect("a schema")["enum"].clone();
        for word in words(mode()).as_array().expect("words") {
            assert!(
                serde_json::from_value::<types::Mode>(word.clone()).is_ok(),
                "{word}"
            );
        }
        let states = [
            ApprovalStatus::Pending,
            ApprovalStatus::Approved,
            ApprovalStatus::Denied,
            ApprovalStatus::Expired,
            ApprovalStatus::Void,
        ];
        assert_eq!(
            words(approval_status()),
            json!(states.map(ApprovalStatus::as_str))
        );
    }
}
