//! More of what older recipes call.

use serde_json::json;
use types::{Catalog, Effect};

use crate::common::{action, actions, object, of};

/// The small catalogue with more.
pub fn wide_catalog() -> Catalog {
    let text = json!({"type": "string"});
    let room = json!({"type": "string", "x-aliases": ["room", "roomId"]});
    let title = json!({"type": "string", "x-aliases": ["short_description"]});
    let mut actions = actions();
    actions.extend([
        action(
            "zoom.room_health",
            "Read a room's health.",
            &[
                "mcp-zoom.get_room_status",
                "zoom.get_room_status",
                "zoom_admin.get_room_health",
            ],
            Effect::Read,
            object(json!({"room_id": room}), &["room_id"]),
        ),
        action(
            "servicenow.create_task",
            "Create a task.",
            &["mcp-servicenow.create_task", "create_task"],
            Effect::Write,
            object(
                json!({"title": title, "description": text, "priority": {"enum": ["low", "high"]}}),
                &["title"],
            ),
        ),
        action(
            "local.note",
            "Leave a note.",
            &[],
            Effect::Read,
            object(json!({"text": text}), &["text"]),
        ),
        action(
            "local.run_checklist",
            "Go through a list.",
            &["run_checklist"],
            Effect::Read,
            object(json!({"items": {"type": "array"}}), &["items"]),
        ),
    ]);
    of(actions)
}
