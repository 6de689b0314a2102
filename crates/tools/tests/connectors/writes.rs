//! Every write of every vendor, with the request that performs it: what the contract goes through.

use serde_json::{Value, json};

/// One write: its arguments, the request that performs it, and a good answer.
pub struct Write {
    pub action: &'static str,
    pub args: Value,
    pub verb: &'static str,
    pub route: &'static str,
    pub good: Value,
    pub status: u16,
}

/// Tools whose writes are no HTTP requests, or those of another tool; their own tests hold them to it.
pub const OTHERS: [&str; 6] = [
    "local",
    "calendar_scheduler",
    "incident_ticketing",
    "qsys",
    "extron",
    "email",
];

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";
const SYS_ID: &str = "0123456789abcdef0123456789abcdef";

/// Every write of every vendor.
pub fn writes() -> Vec<Write> {
    let write = |action, args, verb, route, status, good| Write {
        action,
        args,
        verb,
        route,
        good,
        status,
    };
    let record = |number: &str| json!({"result": {"sys_id": SYS_ID, "number": number}});
    let table = |name: &str| format!("/api/now/table/{name}");
    let session = json!({"id": 91234567890u64, "join_url": "https://zoom.us/j/9", "topic": "All hands"});
    let scheduled = json!({"topic": "All hands", "start_time": "2030-10-21T17:00:00Z"});
    vec![
        write(
            "slack.post_message",
            json!({"channel": "#avops", "text": "hi"}),
            "POST",
            "/api/chat.postMessage",
            200,
            json!({"ok": true, "channel": "C0AVOPS01", "ts": "1.2"}),
        ),
        write(
            "zoom.restart_room",
            json!({"room_id": "zr1"}),
            "PATCH",
            "/v2/rooms/zr1/events",
            202,
            json!({}),
        ),
        write(
            "zoom.create_meeting",
            scheduled.clone(),
            "POST",
            "/v2/users/me/meetings",
            201,
            session.clone(),
        ),
        write(
            "zoom.create_webinar",
            scheduled,
            "POST",
            "/v2/users/me/webinars",
            201,
            session,
        ),
        write(
            "google_drive.upload_file",
            json!({"name": "a.txt", "content": "abc"}),
            "POST",
            "/upload/drive/v3/files",
            200,
            json!({"id": "f1", "name": "a.txt"}),
        ),
        write(
            "google_drive.share_file",
            json!({"file_id": "f1", "email": "ann@a.example"}),
            "POST",
            "/drive/v3/files/f1/permissions",
            200,
            json!({"id": "p1", "type": "user", "role": "reader"}),
        ),
        write(
            "servicenow.create_incident",
            json!({"short_description": "black"}),
            "POST",
            leak(table("incident")),
            201,
            record("INC0000001"),
        ),
        write(
            "servicenow.update_incident",
            json!({"incident": SYS_ID, "state": "resolved"}),
            "PATCH",
            leak(format!("{}/{SYS_ID}", table("incident"))),
            200,
            record("INC0000001"),
        ),
        write(
            "servicenow.add_work_note",
            json!({"incident": SYS_ID, "note": "seen"}),
            "PATCH",
            leak(format!("{}/{SYS_ID}", table("incident"))),
            200,
            record("INC0000001"),
        ),
        write(
            "servicenow.create_article",
            json!({"title": "t", "html": "<p>x</p>"}),
            "POST",
            leak(table("kb_knowledge")),
            201,
            record("KB0000001"),
        ),
        write(
            "servicenow.update_article",
            json!({"article": SYS_ID, "title": "t"}),
            "PATCH",
            leak(format!("{}/{SYS_ID}", table("kb_knowledge"))),
            200,
            record("KB0000001"),
        ),
        write(
            "servicenow.attach_file",
            json!({"sys_id": SYS_ID, "file_name": "a.txt", "content": "x"}),
            "POST",
            "/api/now/attachment/file",
            201,
            json!({"result": {"sys_id": SYS_ID, "file_name": "a.txt"}}),
        ),
        write(
            "servicenow.create_story",
            json!({"short_description": "s"}),
            "POST",
            leak(table("rm_story")),
            201,
            record("STRY0000001"),
        ),
        write(
            "servicenow.create_subtask",
            json!({"story": SYS_ID, "short_description": "s"}),
            "POST",
            leak(table("rm_scrum_task")),
            201,
            record("STSK0000001"),
        ),
        write(
            "servicenow.create_task",
            json!({"short_description": "s"}),
            "POST",
            leak(table("task")),
            201,
            record("TASK0000001"),
        ),
        write(
            "jira.create_issue",
            json!({"project": "OPS", "summary": "black"}),
            "POST",
            "/rest/api/3/issue",
            201,
            json!({"id": "10001", "key": "OPS-2", "self": "https://site.example/rest/api/3/issue/10001"}),
        ),
        write(
            "jira.comment",
            json!({"issue": "OPS-1", "text": "seen"}),
            "POST",
            "/rest/api/3/issue/OPS-1/comment",
            201,
            json!({"id": "20001"}),
        ),
        write(
            "jira.transition",
            json!({"issue": "OPS-1", "to": "31"}),
            "POST",
            "/rest/api/3/issue/OPS-1/transitions",
            204,
            Value::Null,
        ),
        github(
            "create_issue",
            json!({"title": "t"}),
            "POST",
            "issues",
            201,
            json!({"number": 2, "html_url": "https://github.com/a/b/issues/2", "state": "open"}),
        ),
        github(
            "comment_issue",
            json!({"number": 2, "body": "b"}),
            "POST",
            "issues/2/comments",
            201,
            json!({"id": 5, "html_url": "https://github.com/a/b/issues/2#c"}),
        ),
        github(
            "close_issue",
            json!({"number": 2}),
            "PATCH",
            "issues/2",
            200,
            json!({"number": 2, "html_url": "https://github.com/a/b/issues/2", "state": "closed"}),
        ),
        github(
            "create_branch",
            json!({"branch": "fix", "from": SHA}),
            "POST",
            "git/refs",
            201,
            json!({"ref": "refs/heads/fix", "object": {"sha": SHA}}),
        ),
        github(
            "put_file",
            json!({"branch": "fix", "path": "a.md", "content": "x", "message": "m"}),
            "PUT",
            "contents/a.md",
            201,
            json!({"content": {"sha": SHA}, "commit": {"sha": SHA, "html_url": "https://github.com/a/b/commit/c"}}),
        ),
        github(
            "create_pull_request",
            json!({"title": "t", "head": "fix", "base": "main"}),
            "POST",
            "pulls",
            201,
            json!({"number": 3, "html_url": "https://github.com/a/b/pull/3", "state": "open"}),
        ),
        alert("trigger", json!({"summary": "black", "dedup_key": "k1"})),
        alert("acknowledge", json!({"dedup_key": "k1"})),
        alert("resolve", json!({"dedup_key": "k1"})),
    ]
}

fn github(action: &str, mut args: Value, verb: &'static str, below: &str, status: u16, good: Value) -> Write {
    args["repo"] = "a/b".into();
    Write {
        action: leak(format!("github.{action}")),
        args,
        verb,
        route: leak(format!("/repos/a/b/{below}")),
        good,
        status,
    }
}

fn alert(event: &str, args: Value) -> Write {
    Write {
        action: leak(format!("pagerduty.{event}")),
        args,
        verb: "POST",
        route: "/v2/enqueue",
        good: json!({"status": "success", "message": "Event processed", "dedup_key": "k1"}),
        status: 202,
    }
}

/// Actions that are answered by a status alone, so there is nothing to be misread.
pub const STATUS_ALONE: [&str; 2] = ["zoom.restart_room", "jira.transition"];

fn leak(text: String) -> &'static str {
    text.leak()
}
