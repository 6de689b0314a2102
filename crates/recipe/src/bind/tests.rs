//! Sentences as people write them, against the actions that every installation has.

use super::*;
use serde_json::json;
use types::{Idempotency, Risk, ToolSpec};

/// Name, effect, description, other names, arguments.
type Row = (&'static str, Effect, &'static str, &'static str, &'static str);

const ACTIONS: &[Row] = &[
    (
        "slack.post_message",
        Effect::Write,
        "Posts a message to a channel or a thread.",
        "post_message send_message mcp-slack.send_message slack.send",
        "channel text thread_ts",
    ),
    (
        "slack.history",
        Effect::Read,
        "Reads the newest messages of a channel.",
        "",
        "channel limit oldest latest",
    ),
    (
        "slack.list_channels",
        Effect::Read,
        "Lists the channels that the bot can see.",
        "",
        "limit prefix",
    ),
    (
        "zoom.find_room",
        Effect::Read,
        "Finds one Zoom Room by id, display name or e-mail address and tells its status.",
        "find_room lookup_zoom_room zoom.lookup_room zoom.lookup_zoom_room mcp-zoom.find_room mcp-zoom.lookup_zoom_room zoom_admin.lookup_room",
        "query",
    ),
    (
        "zoom.list_rooms",
        Effect::Read,
        "Lists Zoom Rooms with their status.",
        "zoom.rooms mcp-zoom.list_rooms",
        "status query_name limit",
    ),
    (
        "zoom.room_devices",
        Effect::Read,
        "Lists the computers, controllers and displays of a Zoom Room.",
        "mcp-zoom.room_devices",
        "room_id",
    ),
    (
        "zoom.room_health",
        Effect::Read,
        "Reads a Zoom Room's health: status, issues, processor load, packet loss, jitter and hours since the last restart.",
        "get_room_status get_room_health zoom.get_room_status",
        "room_id",
    ),
    (
        "zoom.restart_room",
        Effect::Destructive,
        "Restarts the computer of a Zoom Room; a meeting that is under way is interrupted.",
        "restart_room reboot_room reboot_zoom_room zoom.reboot_room zoom.reboot_zoom_room mcp-zoom.restart_room mcp-zoom.reboot_room",
        "room_id",
    ),
    (
        "zoom.check_policy",
        Effect::Read,
        "Checks a Zoom Room's settings against a policy document.",
        "check_policy mcp-zoom.check_policy",
        "room_id policy",
    ),
    (
        "zoom.create_meeting",
        Effect::Write,
        "Schedules a Zoom meeting.",
        "create_meeting",
        "topic start_time duration agenda timezone host",
    ),
    (
        "zoom.create_webinar",
        Effect::Write,
        "Schedules a Zoom webinar.",
        "create_webinar",
        "topic start_time duration agenda timezone host",
    ),
    (
        "servicenow.create_incident",
        Effect::Write,
        "Opens an incident.",
        "create_incident",
        "short_description description urgency impact category",
    ),
    (
        "servicenow.get_incident",
        Effect::Read,
        "Reads one incident.",
        "get_incident",
        "incident",
    ),
    (
        "servicenow.find_incidents",
        Effect::Read,
        "Finds incidents, newest first.",
        "find_incidents",
        "text open_only query limit",
    ),
    (
        "servicenow.update_incident",
        Effect::Write,
        "Sets fields of an incident; setting them again changes nothing more.",
        "update_incident",
        "incident state short_description close_notes",
    ),
    (
        "servicenow.add_work_note",
        Effect::Write,
        "Adds a note to an incident's journal for those who work on it; adding it again adds another one.",
        "add_work_note",
        "incident note",
    ),
    (
        "servicenow.create_article",
        Effect::Write,
        "Writes a knowledge article, as a draft unless told to publish it.",
        "create_article",
        "title html category tags publish",
    ),
    (
        "servicenow.get_article",
        Effect::Read,
        "Reads a knowledge article.",
        "get_article",
        "article",
    ),
    (
        "servicenow.update_article",
        Effect::Write,
        "Replaces parts of a knowledge article or publishes it; doing so again changes nothing more.",
        "update_article",
        "article title html",
    ),
    (
        "servicenow.attach_file",
        Effect::Write,
        "Attaches a file to a record, such as a knowledge article or an incident. Its stored name ends in a mark by which it is found again.",
        "attach_file",
        "table sys_id file_name content",
    ),
    (
        "servicenow.create_story",
        Effect::Write,
        "Creates an agile story.",
        "create_story",
        "short_description acceptance_criteria",
    ),
    (
        "servicenow.create_subtask",
        Effect::Write,
        "Creates a task under an agile story.",
        "create_subtask",
        "story short_description planned_hours",
    ),
    (
        "servicenow.create_task",
        Effect::Write,
        "Creates a plain task.",
        "create_task",
        "short_description due_date",
    ),
    (
        "local.run_checklist",
        Effect::Read,
        "Goes through a checklist and tells what passed, failed or was left unchecked.",
        "run_checklist",
        "title items",
    ),
    (
        "local.evaluate_thresholds",
        Effect::Read,
        "Compares metrics with thresholds.",
        "evaluate_thresholds",
        "metrics thresholds",
    ),
    (
        "local.report_status",
        Effect::Read,
        "Composes a short status report of what is given.",
        "report_status",
        "title room policy health notes",
    ),
    (
        "local.sop_to_article",
        Effect::Read,
        "Turns a procedure in plain text or Markdown into a knowledge article.",
        "sop_to_article",
        "sop title",
    ),
    (
        "local.note",
        Effect::Read,
        "Leaves a note in the run's own journal.",
        "",
        "text",
    ),
    (
        "local.save_recipe_draft",
        Effect::Write,
        "Saves a recipe as a draft in the library.",
        "save_recipe_draft",
        "name text",
    ),
    (
        "local.save_file",
        Effect::Write,
        "Keeps a file as an artifact of the run.",
        "save_file",
        "name content",
    ),
];

fn catalog() -> Catalog {
    let mut tools: BTreeMap<&str, Vec<ActionSpec>> = BTreeMap::new();
    for (name, effect, description, aliases, arguments) in ACTIONS {
        let (tool, action) = name.split_once('.').expect("tool.action");
        let properties: serde_json::Map<String, Value> = arguments
            .split_whitespace()
            .map(|name| (name.to_owned(), json!({})))
            .collect();
        tools.entry(tool).or_default().push(ActionSpec {
            tool: tool.to_owned(),
            action: action.to_owned(),
            description: (*description).to_owned(),
            aliases: aliases.split_whitespace().map(str::to_owned).collect(),
            input: json!({"type": "object", "properties": properties, "additionalProperties": false}),
            output: json!({}),
            arg_classes: BTreeMap::new(),
            trust: BTreeMap::new(),
            effect: *effect,
            idempotency: Idempotency::Natural,
            risk: Risk::Low,
            notification: false,
            probe: false,
            timeout_ms: 1000,
        });
    }
    Catalog::new(tools.into_iter().map(|(name, actions)| ToolSpec {
        name: name.to_owned(),
        description: String::new(),
        version: "1".to_owned(),
        actions,
    }))
}

#[test]
fn sentences_find_the_action_that_people_mean() {
    let binder = Binder::new(&catalog());
    let wrong: Vec<String> = [
        ("look up the zoom room", "zoom.find_room"),
        ("Find the Zoom room", "zoom.find_room"),
        ("Get the Zoom room by its display name", "zoom.find_room"),
        ("check the health of the zoom room", "zoom.room_health"),
        ("Read the room health", "zoom.room_health"),
        ("Check the room against the policy", "zoom.check_policy"),
        ("Restart the zoom room", "zoom.restart_room"),
        ("please reboot the Zoom room", "zoom.restart_room"),
        ("List the Zoom rooms", "zoom.list_rooms"),
        ("Show the devices of the room", "zoom.room_devices"),
        ("Create a ServiceNow incident", "servicenow.create_incident"),
        ("Open an incident in ServiceNow", "servicenow.create_incident"),
        ("Find open incidents", "servicenow.find_incidents"),
        ("Update the ServiceNow incident", "servicenow.update_incident"),
        ("Add a work note to the incident", "servicenow.add_work_note"),
        ("Make a knowledge article", "servicenow.create_article"),
        ("Send a message to the Slack channel", "slack.post_message"),
        ("Post a Slack message", "slack.post_message"),
        ("Schedule a Zoom webinar", "zoom.create_webinar"),
        ("Run the checklist", "local.run_checklist"),
        ("Evaluate the thresholds", "local.evaluate_thresholds"),
    ]
    .into_iter()
    .filter_map(|(words, action)| {
        let fit = binder.fit(words, &[]);
        let right = fit.clear && fit.ranked[0].0 == action;
        (!right).then(|| format!("{words}: {fit:?}"))
    })
    .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_no_action_does_stays_with_people() {
    let binder = Binder::new(&catalog());
    for words in [
        "See that the other room is free",
        "Look for double bookings",
        "Give both rooms back",
        "Book the room and a technician",
        "Test picture, sound and slides",
        "Send the invitation with the join link",
        "Hold the rehearsal",
        "Unplug the HDMI cable of the room",
        "Tidy the room",
        "",
    ] {
        let fit = binder.fit(words, &[]);
        assert!(!fit.clear, "{words}: {fit:?}");
    }
}

#[test]
fn given_arguments_decide_between_actions() {
    let binder = Binder::new(&catalog());
    for (words, given, action) in [
        ("the zoom room", &["query"][..], "zoom.find_room"),
        ("incidents of this room", &["query"], "servicenow.find_incidents"),
        ("the knowledge article", &["sop"], "local.sop_to_article"),
    ] {
        let with = binder.fit(words, given);
        assert_eq!(with.ranked[0].0, action, "{words}: {with:?}");
        let without = binder.fit(words, &[]);
        let already = without.clear && without.ranked[0].0 == action;
        assert!(!already, "{words}: {without:?}");
    }
}

#[test]
fn of_two_that_fit_alike_the_read_comes_first() {
    let mut catalog = catalog();
    let action = |name: &str, effect| {
        let mut spec = catalog.actions().next().expect("one").clone();
        spec.tool = "lamp".to_owned();
        spec.action = name.to_owned();
        spec.description = "The light level.".to_owned();
        spec.effect = effect;
        spec.aliases.clear();
        spec
    };
    let lamp = ToolSpec {
        name: "lamp".to_owned(),
        description: String::new(),
        version: "1".to_owned(),
        actions: vec![action("aim", Effect::Write), action("sense", Effect::Read)],
    };
    catalog = Catalog::new(catalog.tools().cloned().chain([lamp]));
    let fit = Binder::new(&catalog).fit("light level of the lamp", &[]);
    assert_eq!(fit.ranked[0].0, "lamp.sense", "{fit:?}");
    assert!(!fit.clear, "{fit:?}");
}
