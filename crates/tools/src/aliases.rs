//! Every other name that resolves to an action or an argument: names of earlier tools, of older
//! recipes and of people's habits. One table, so that a clash is seen.

use serde_json::Value;
use types::ActionSpec;

/// Other names of whole tools: every action is reachable under them as well.
const TOOLS: &[(&str, &[&str])] = &[
    ("slack", &["mcp-slack"]),
    ("zoom", &["mcp-zoom", "zoom_admin"]),
    ("servicenow", &["mcp-servicenow"]),
    ("github", &["mcp-github"]),
    ("jira", &["mcp-jira"]),
    ("pagerduty", &["mcp-pagerduty"]),
    ("google_drive", &["mcp-gdrive", "gdrive"]),
    ("web_search", &["mcp-web-search"]),
];

/// Other names of actions. A bare name that is the action's own is listed where older recipes use
/// it: a name declared here stays unambiguous when another tool offers an action of that name.
const ACTIONS: &[(&str, &[&str])] = &[
    (
        "slack.post_message",
        &["post_message", "slack.post", "slack.notify", "notify"],
    ),
    ("slack.history", &["slack.read", "slack.get_history"]),
    ("slack.auth_test", &["slack.whoami"]),
    (
        "zoom.find_room",
        &[
            "find_room",
            "lookup_zoom_room",
            "zoom.lookup_room",
            "zoom.lookup_zoom_room",
        ],
    ),
    ("zoom.list_rooms", &["zoom.rooms"]),
    (
        "zoom.room_health",
        &[
            "get_room_status",
            "get_room_health",
            "zoom.get_room_status",
            "zoom.get_room_health",
        ],
    ),
    (
        "zoom.restart_room",
        &[
            "restart_room",
            "reboot_room",
            "reboot_zoom_room",
            "zoom.reboot_room",
            "zoom.reboot_zoom_room",
        ],
    ),
    ("zoom.check_policy", &["check_policy"]),
    ("zoom.create_webinar", &["create_webinar"]),
    ("zoom.create_meeting", &["create_meeting"]),
    (
        "servicenow.create_incident",
        &["create_incident", "servicenow.incident.create"],
    ),
    (
        "servicenow.get_incident",
        &["get_incident", "servicenow.incident.get"],
    ),
    ("servicenow.find_incidents", &["servicenow.incident.list"]),
    (
        "servicenow.update_incident",
        &["update_incident", "servicenow.incident.update"],
    ),
    (
        "servicenow.create_article",
        &["create_kb", "servicenow.create_kb", "servicenow.kb.create"],
    ),
    ("servicenow.get_article", &["get_kb", "servicenow.kb.get"]),
    (
        "servicenow.update_article",
        &["update_kb", "servicenow.kb.update"],
    ),
    ("servicenow.attach_file", &["servicenow.kb.attach"]),
    ("servicenow.create_story", &["create_story"]),
    ("servicenow.create_subtask", &["create_subtask"]),
    ("servicenow.create_task", &["create_task"]),
    (
        "calendar_scheduler.create_event",
        &["calendar_scheduler.create", "create_event"],
    ),
    (
        "calendar_scheduler.reschedule_event",
        &["calendar_scheduler.reschedule"],
    ),
    ("calendar_scheduler.cancel_event", &["calendar_scheduler.cancel"]),
    (
        "calendar_scheduler.check_availability",
        &["calendar_scheduler.availability", "check_availability"],
    ),
    ("calendar_scheduler.list_events", &["calendar_scheduler.list"]),
    (
        "github.create_issue",
        &[
            "create_issue",
            "github.issue",
            "github_issue",
            "github.open_issue",
        ],
    ),
    (
        "github.comment_issue",
        &["github.comment", "github.add_comment", "github.add_issue_comment"],
    ),
    (
        "github.put_file",
        &["github.commit_file", "github.create_or_update_file"],
    ),
    (
        "github.create_pull_request",
        &["github.create_pr", "github.open_pr"],
    ),
    ("github.get_pull_request", &["github.get_pr"]),
    ("github.get_issue", &["get_issue"]),
    ("github.get_file", &["get_file", "github.get_file_contents"]),
    ("github.get_diff", &["github.get_pull_request_diff"]),
    (
        "incident_ticketing.create_ticket",
        &[
            "incident_ticketing.create",
            "incident_ticketing.create_incident",
            "create_ticket",
        ],
    ),
    (
        "jira.create_issue",
        &["jira.create", "jira.issue.create", "create_jira_issue"],
    ),
    (
        "jira.comment",
        &["jira.add_comment", "jira.comment_issue", "jira.issue.comment"],
    ),
    (
        "jira.transition",
        &[
            "jira.transition_issue",
            "jira.issue.transition",
            "jira.move_issue",
        ],
    ),
    ("jira.get_issue", &["jira.get", "jira.issue.get"]),
    ("jira.search", &["jira.search_issues", "jira.find_issues"]),
    (
        "pagerduty.trigger",
        &["pagerduty.page", "pagerduty.alert", "pagerduty.create_incident"],
    ),
    (
        "pagerduty.acknowledge",
        &["pagerduty.ack", "pagerduty.acknowledge_incident"],
    ),
    ("pagerduty.resolve", &["pagerduty.resolve_incident"]),
    (
        "incident_ticketing.update_ticket",
        &[
            "incident_ticketing.update",
            "incident_ticketing.update_incident",
            "update_ticket",
        ],
    ),
    (
        "incident_ticketing.comment_on_ticket",
        &["incident_ticketing.comment", "incident_ticketing.add_work_note"],
    ),
    (
        "incident_ticketing.resolve_ticket",
        &["incident_ticketing.resolve", "resolve_ticket"],
    ),
    (
        "incident_ticketing.get_ticket",
        &["incident_ticketing.get", "incident_ticketing.get_incident"],
    ),
    (
        "incident_ticketing.find_tickets",
        &["incident_ticketing.find", "incident_ticketing.find_incidents"],
    ),
    ("email.send", &["send_email", "email.send_email", "mail.send"]),
    (
        "google_drive.upload_file",
        &["upload_file", "google_drive.upload"],
    ),
    (
        "google_drive.share_file",
        &[
            "share_file",
            "share_link",
            "google_drive.share_link",
            "google_drive.share",
        ],
    ),
    (
        "page_fetch.fetch_page",
        &["fetch_page", "page_fetch.fetch", "web.fetch_page", "web.fetch"],
    ),
    (
        "web_search.search",
        &["search", "search_web", "web.search", "web_search.web_search"],
    ),
    ("local.run_checklist", &["run_checklist"]),
    ("local.evaluate_thresholds", &["evaluate_thresholds"]),
    ("local.report_status", &["report_status"]),
    ("local.save_recipe_draft", &["save_recipe", "save_recipe_draft"]),
    ("local.save_file", &["save_file"]),
    ("local.sop_to_article", &["sop_to_article"]),
];

/// Other names of arguments, by action. They stand as `x-aliases` in the argument's schema, where
/// readers of older documents find them; a call itself uses the schema's own names.
const ARGUMENTS: &[(&str, &[(&str, &str)])] = &[
    ("zoom.room_devices", ROOM),
    ("zoom.room_health", ROOM),
    ("zoom.restart_room", ROOM),
    ("zoom.check_policy", ROOM),
    ("calendar_scheduler.create_event", EVENT),
    (
        "calendar_scheduler.reschedule_event",
        &[("id", "event"), ("start_time", "start"), ("end_time", "end")],
    ),
    ("calendar_scheduler.cancel_event", &[("id", "event")]),
    (
        "calendar_scheduler.check_availability",
        &[("room", "calendar"), ("start", "from"), ("end", "to")],
    ),
    ("incident_ticketing.create_ticket", TICKET),
    (
        "incident_ticketing.update_ticket",
        &[
            ("incident", "ticket"),
            ("number", "ticket"),
            ("short_description", "title"),
            ("assigned_to", "assignee"),
            ("state", "status"),
        ],
    ),
    (
        "incident_ticketing.comment_on_ticket",
        &[
            ("incident", "ticket"),
            ("number", "ticket"),
            ("note", "comment"),
            ("text", "comment"),
        ],
    ),
    (
        "incident_ticketing.resolve_ticket",
        &[
            ("incident", "ticket"),
            ("number", "ticket"),
            ("close_notes", "resolution"),
            ("close_code", "code"),
        ],
    ),
    (
        "incident_ticketing.get_ticket",
        &[("incident", "ticket"), ("number", "ticket")],
    ),
    ("servicenow.create_incident", &[("title", "short_description")]),
    ("servicenow.create_story", &[("title", "short_description")]),
    ("servicenow.create_subtask", &[("title", "short_description")]),
    ("servicenow.create_task", &[("title", "short_description")]),
    (
        "servicenow.create_article",
        &[
            ("short_description", "title"),
            ("text", "html"),
            ("kb_knowledge_base", "knowledge_base"),
        ],
    ),
    (
        "servicenow.update_article",
        &[
            ("sys_id", "article"),
            ("short_description", "title"),
            ("text", "html"),
        ],
    ),
    (
        "servicenow.get_article",
        &[("sys_id", "article"), ("number", "article")],
    ),
    (
        "servicenow.get_incident",
        &[("sys_id", "incident"), ("number", "incident")],
    ),
    (
        "github.comment_issue",
        &[("issue_number", "number"), ("issue", "number"), ("text", "body")],
    ),
    (
        "github.close_issue",
        &[
            ("issue_number", "number"),
            ("issue", "number"),
            ("state_reason", "reason"),
        ],
    ),
    (
        "github.get_issue",
        &[("issue_number", "number"), ("issue", "number")],
    ),
    (
        "github.create_branch",
        &[("name", "branch"), ("from_branch", "from")],
    ),
    ("github.get_pull_request", &[("pull_number", "number")]),
    ("github.get_diff", &[("pull_number", "number")]),
    (
        "jira.create_issue",
        &[
            ("title", "summary"),
            ("issuetype", "issue_type"),
            ("body", "description"),
        ],
    ),
    ("jira.comment", &[("key", "issue"), ("body", "text")]),
    ("jira.transition", &[("key", "issue"), ("status", "to")]),
    ("jira.get_issue", &[("key", "issue")]),
    (
        "pagerduty.trigger",
        &[("message", "summary"), ("text", "summary")],
    ),
    (
        "servicenow.update_incident",
        &[("sys_id", "incident"), ("number", "incident")],
    ),
];

const EVENT: &[(&str, &str)] = &[
    ("room", "calendar"),
    ("start_time", "start"),
    ("end_time", "end"),
    ("duration", "minutes"),
    ("timezone", "zone"),
];

const TICKET: &[(&str, &str)] = &[("short_description", "title"), ("assigned_to", "assignee")];

const ROOM: &[(&str, &str)] = &[("room", "room_id"), ("roomId", "room_id")];

/// The argument that `name` stands for in calls of `action` (`tool.action`), if it is another name.
pub(crate) fn argument_alias(action: &str, name: &str) -> Option<&'static str> {
    let (_, names) = ARGUMENTS.iter().find(|(known, _)| *known == action)?;
    names
        .iter()
        .find(|(alias, _)| *alias == name)
        .map(|(_, argument)| *argument)
}

/// Adds the action's other names to its specification.
pub(crate) fn extend(spec: &mut ActionSpec) {
    let name = spec.name();
    let own = ACTIONS
        .iter()
        .find(|(known, _)| *known == name)
        .map_or(&[][..], |(_, names)| *names);
    let mut aliases: Vec<String> = own.iter().map(|&alias| alias.to_owned()).collect();
    let tools = TOOLS
        .iter()
        .find(|(known, _)| *known == spec.tool)
        .map_or(&[][..], |(_, names)| *names);
    for tool in tools {
        aliases.push(format!("{tool}.{}", spec.action));
        let prefix = format!("{}.", spec.tool);
        for alias in own {
            match alias.strip_prefix(&prefix) {
                Some(rest) => aliases.push(format!("{tool}.{rest}")),
                None if !alias.contains('.') => aliases.push(format!("{tool}.{alias}")),
                None => {}
            }
        }
    }
    for alias in aliases {
        if alias != name && !spec.aliases.contains(&alias) {
            spec.aliases.push(alias);
        }
    }
    let arguments = ARGUMENTS
        .iter()
        .find(|(known, _)| *known == name)
        .map_or(&[][..], |(_, names)| *names);
    for (alias, argument) in arguments {
        if let Some(schema) = spec.input["properties"][*argument].as_object_mut() {
            let listed = schema
                .entry("x-aliases")
                .or_insert_with(|| Value::Array(Vec::new()));
            listed
                .as_array_mut()
                .into_iter()
                .for_each(|list| list.push(Value::from(*alias)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors;
    use types::{Catalog, Lookup};

    fn catalog() -> Catalog {
        Catalog::new(connectors::specs())
    }

    #[test]
    fn every_table_entry_names_an_action_and_an_argument_that_exist() {
        let catalog = catalog();
        let action = |name: &str| match catalog.find(name) {
            Lookup::Found(spec) if spec.name() == name => spec.clone(),
            other => panic!("{name}: {other:?}"),
        };
        for (name, _) in ACTIONS {
            action(name);
        }
        for (name, arguments) in ARGUMENTS {
            let spec = action(name);
            for (alias, argument) in *arguments {
                let known = &spec.input["properties"];
                assert!(known[*argument].is_object(), "{name} has no argument {argument}");
                assert!(
                    known[*alias].is_null(),
                    "{name} has an argument {alias} of its own"
                );
            }
        }
    }

    #[test]
    fn the_names_of_earlier_tools_and_recipes_resolve() {
        let catalog = catalog();
        let check = |name: &str, expected: &str| match catalog.find(name) {
            Lookup::Found(spec) => assert_eq!(spec.name(), expected, "{name}"),
            other => panic!("{name}: {other:?}"),
        };
        for (name, expected) in [
            ("post_message", "slack.post_message"),
            ("slack.post", "slack.post_message"),
            ("notify", "slack.post_message"),
            ("mcp-slack.post_message", "slack.post_message"),
            ("create_kb", "servicenow.create_article"),
            ("servicenow.create_kb", "servicenow.create_article"),
            ("mcp-servicenow.create_kb", "servicenow.create_article"),
            ("servicenow.kb.create", "servicenow.create_article"),
            ("servicenow.kb.attach", "servicenow.attach_file"),
            ("servicenow.kb.get", "servicenow.get_article"),
            ("create_webinar", "zoom.create_webinar"),
            ("lookup_zoom_room", "zoom.find_room"),
            ("check_policy", "zoom.check_policy"),
            ("report_status", "local.report_status"),
            ("create_incident", "servicenow.create_incident"),
            ("create_task", "servicenow.create_task"),
            ("mcp-servicenow.create_task", "servicenow.create_task"),
            ("get_room_status", "zoom.room_health"),
            ("mcp-zoom.get_room_status", "zoom.room_health"),
            ("get_room_health", "zoom.room_health"),
            ("zoom_admin.get_room_health", "zoom.room_health"),
            ("zoom_admin.reboot_room", "zoom.restart_room"),
            ("reboot_zoom_room", "zoom.restart_room"),
            ("evaluate_thresholds", "local.evaluate_thresholds"),
            ("run_checklist", "local.run_checklist"),
            ("incident_ticketing.create", "incident_ticketing.create_ticket"),
            (
                "incident_ticketing.create_incident",
                "incident_ticketing.create_ticket",
            ),
            ("incident_ticketing.resolve", "incident_ticketing.resolve_ticket"),
            ("calendar_scheduler.create", "calendar_scheduler.create_event"),
            (
                "calendar_scheduler.availability",
                "calendar_scheduler.check_availability",
            ),
        ] {
            check(name, expected);
        }
    }

    #[test]
    fn no_name_is_ambiguous_among_the_built_in_tools() {
        let catalog = catalog();
        for name in catalog.names() {
            assert!(matches!(catalog.find(name), Lookup::Found(_)), "{name}");
        }
    }
}
