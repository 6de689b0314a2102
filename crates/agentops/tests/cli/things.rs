//! Set-up, recipes, tools, agents, settings and secrets.

use serde_json::{Value, json};

use crate::rig::{Folder, ended};

#[test]
fn setting_up_twice_makes_once() {
    let folder = Folder::empty();
    let first = folder.json(0, &["init"]);
    assert_eq!(first["database"]["made"], true);
    let items = first["items"].as_array().expect("items");
    assert!(items.iter().all(|item| item["made"] == true));
    let count = |noun: &str| items.iter().filter(|item| item["noun"] == noun).count();
    assert_eq!((count("agent"), count("recipe")), (8, 5));
    let second = folder.json(0, &["init"]);
    assert_eq!(second["database"]["made"], false);
    assert!(
        second["items"]
            .as_array()
            .expect("items")
            .iter()
            .all(|item| item["made"] == false)
    );
    assert!(folder.ok(&["init"]).contains("was there"));
    assert_eq!(
        folder.json(0, &["recipe", "list"]).as_array().map(Vec::len),
        Some(5)
    );
    assert_eq!(
        folder.json(0, &["agent", "list"]).as_array().map(Vec::len),
        Some(8)
    );
}

#[test]
fn several_set_ups_at_once_make_everything_once() {
    for _ in 0..4 {
        let folder = Folder::empty();
        let ends: Vec<_> = std::thread::scope(|scope| {
            let begun: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| folder.run(&["init", "--json"])))
                .collect();
            begun
                .into_iter()
                .map(|thread| thread.join().expect("it ends"))
                .collect()
        });
        assert!(ends.iter().all(|end| end.code == 0), "{ends:?}");
        let count = |what: &str| folder.json(0, &[what, "list"]).as_array().map(Vec::len);
        assert_eq!((count("agent"), count("recipe")), (Some(8), Some(5)));
        let recipes = folder.json(0, &["recipe", "list"]);
        for recipe in recipes.as_array().expect("a list") {
            assert_eq!(
                (&recipe["latest"], &recipe["active"]),
                (&json!(1), &json!(1)),
                "{recipe}"
            );
        }
    }
}

#[test]
fn a_recipe_is_saved_once_for_each_text_and_activated_on_purpose() {
    let folder = Folder::seeded();
    let text = |words: &str| {
        format!("name: Tea\nintake: []\nplan: []\nact:\n  - id: brew\n    manual: {words}\nverify: []\n")
    };
    let file = folder.file("tea.yaml", text("Brew"));
    let saved = folder.json(0, &["recipe", "save", &file]);
    assert_eq!((&saved["version"], &saved["active"]), (&json!(1), &json!(false)));
    folder.refused(4, "recipe_not_active", &["run", "start", "tea"]);
    folder.json(6, &["run", "start", "tea", "--version", "1"]);
    folder.ok(&["recipe", "activate", "tea", "1"]);
    assert_eq!(folder.json(0, &["recipe", "save", &file])["new"], false);
    folder.file("tea.yaml", text("Brew well"));
    assert_eq!(
        folder.json(0, &["recipe", "save", &file, "--activate"])["version"],
        2
    );
    let versions = folder.json(0, &["recipe", "versions", "tea"]);
    let states: Vec<&Value> = versions["versions"]
        .as_array()
        .expect("versions")
        .iter()
        .map(|one| &one["status"])
        .collect();
    assert_eq!(states, ["active", "retired"]);
    let old = folder.ok(&["recipe", "show", "tea", "--version", "1"]);
    assert!(old.contains("manual: Brew\n"), "{old}");
    let unknown = folder.refused(3, "not_found", &["recipe", "show", "teaa"]);
    assert_eq!(unknown["hint"], "did you mean 'tea'?");
    let schema: Value = serde_json::from_str(&folder.ok(&["recipe", "schema"])).expect("JSON");
    assert_eq!(
        schema["required"].as_array().map(Vec::len),
        folder.json(0, &["recipe", "schema"])["required"]
            .as_array()
            .map(Vec::len)
    );
}

/// Drafts a recipe whose text holds the name of a room, which anybody who may rename rooms has written.
const DRAFTS: &str = r#"name: Drafts
intake: []
plan:
  - action: zoom.find_room
    with: {query: Boardroom 4A}
    save: room
act:
  - action: local.save_recipe_draft
    with:
      name: Drafted
      text: "name: Drafted\nintake: []\nplan: []\nact:\n  - {id: go, manual: 'Go to {{ room.name }}'}\nverify: []\n"
verify: []
"#;

#[test]
fn what_strangers_wrote_runs_only_after_a_person_has_taken_it_over() {
    let folder = Folder::seeded();
    let file = folder.file("drafts.yaml", DRAFTS);
    folder.ok(&["recipe", "save", &file, "--activate"]);
    folder.json(0, &["run", "start", "drafts"]);
    let versions = folder.json(0, &["recipe", "versions", "drafted"]);
    assert_eq!(versions["versions"][0]["labels"], "author+untrusted");
    assert!(
        folder
            .ok(&["recipe", "versions", "drafted"])
            .contains("author+untrusted")
    );
    assert_eq!(
        folder.json(0, &["recipe", "show", "drafted"])["labels"],
        "author+untrusted"
    );
    let start = ["run", "start", "drafted", "--version", "1"];
    folder.refused(4, "recipe_not_reviewed", &start);
    let said = folder.ok(&["recipe", "activate", "drafted", "1"]);
    assert!(
        said.contains("its text came from untrusted sources (author+untrusted)"),
        "{said}"
    );
    folder.json(6, &start);
    assert_eq!(folder.json(0, &["recipe", "show", "drafts"])["labels"], "author");
    assert_eq!(
        folder.json(0, &["recipe", "activate", "drafts", "1"])["taken_over"],
        false
    );
}

#[test]
fn one_action_is_called_as_a_run() {
    let folder = Folder::seeded();
    let done = folder.json(
        0,
        &["tool", "call", "zoom.find_room", "--arg", "query=Boardroom 4A"],
    );
    assert_eq!(done["run"]["outputs"]["result"]["id"], "ZR-101");
    let lost = folder.json(5, &["tool", "call", "zoom.find_room", "--arg", "query=Nowhere"]);
    assert_eq!(lost["run"]["failure"]["code"], "room_not_found");
    let asks = folder.json(
        6,
        &["tool", "call", "zoom.restart_room", "--arg", "room_id=ZR-101"],
    );
    assert_eq!(asks["approvals"][0]["action"], "zoom.restart_room");

    // What calls are kept in doesn't crowd the library.
    let count = |args: &[&str]| folder.json(0, args).as_array().map(Vec::len);
    assert_eq!(count(&["recipe", "list"]), Some(5));
    assert_eq!(count(&["recipe", "list", "--all"]), Some(7));
    let mine = folder.file(
        "mine.yaml",
        "name: Tool call it\nintake: []\nplan: []\nact: []\nverify: []\n",
    );
    folder.refused_json(4, "recipe_name_invalid", &["recipe", "save", &mine]);
    folder.ok(&["recipe", "save", &mine, "--slug", "call-it"]);
    assert_eq!(count(&["recipe", "list"]), Some(6));
}

#[test]
fn rules_and_tools_change_what_asks_and_what_there_is() {
    let folder = Folder::seeded();
    let rule = |rule: &str| folder.json(0, &["tool", "rule", "zoom.restart_room", rule])["rule"].clone();
    assert_eq!((rule("run"), rule("default")), (json!("run"), json!("ask")));
    folder.refused(4, "unknown_action", &["tool", "rule", "zoom.restart_rom", "run"]);
    folder.refused(
        4,
        "setting_invalid",
        &["tool", "rule", "zoom.restart_room", "maybe"],
    );
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/qsys_control.json");
    let added = folder.json(0, &["tool", "add", manifest]);
    assert_eq!(added["tool"], "qsys_control");
    assert_eq!(folder.json(0, &["tool", "show", "qsys_control"])["kind"], "http");
    let wrong = folder.file("wrong.json", r#"{"name": "x", "actions": 5}"#);
    folder.refused(4, "manifest_invalid", &["tool", "add", &wrong]);
    let taken = std::fs::read_to_string(manifest)
        .expect("reads")
        .replacen("qsys_control", "zoom", 1);
    let taken = folder.file("taken.json", taken);
    folder.refused(4, "tool_name_taken", &["tool", "add", &taken]);
}

#[test]
fn a_tool_that_somebody_added_is_removed_and_a_run_that_needs_it_fails_plainly() {
    let folder = Folder::seeded();
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/qsys_control.json");
    folder.ok(&["tool", "add", manifest]);
    folder.ok(&["tool", "rule", "qsys_control.get_device_status", "run"]);
    let text = "name: Look\nintake: []\nplan: []\nact:\n  - id: first\n    manual: Go there\n  - id: look\n    \
                action: qsys_control.get_device_status\n    with: {device_id: a}\nverify: []\n";
    let file = folder.file("look.yaml", text);
    folder.ok(&["recipe", "save", &file, "--activate"]);
    folder.json(6, &["run", "start", "look"]);
    let run = folder.newest()["run"]["run"].as_str().expect("an id").to_owned();

    folder.refused(4, "tool_not_removable", &["tool", "remove", "zoom"]);
    folder.refused(3, "not_found", &["tool", "remove", "qsys_contrl"]);
    let removed = folder.json(0, &["tool", "remove", "qsys_control"]);
    assert_eq!(removed["removed"], true);
    folder.refused(3, "not_found", &["tool", "show", "qsys_control"]);
    let rules = folder.json(0, &["setting", "get", "approvals.rules"]);
    assert_eq!(rules["value"], json!({}), "{rules}");

    folder.run(&["run", "task", &run, "first", "done"]);
    folder.run(&["run", "watch", &run]);
    let view = folder.json(0, &["run", "show", &run]);
    assert_eq!(view["run"]["status"], "failed", "{view:#}");
    assert_eq!(view["run"]["failure"]["code"], "tool_not_configured", "{view:#}");
    folder.refused(4, "tool_not_configured", &["run", "start", "look"]);
    // The same manifest brings it back, and its actions ask as if nobody had known them.
    folder.ok(&["tool", "add", manifest]);
    let rules = folder.json(0, &["setting", "get", "approvals.rules"]);
    assert_eq!(rules["value"], json!({}), "{rules}");
}

#[test]
fn an_action_that_became_another_asks_again() {
    let folder = Folder::seeded();
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/qsys_control.json");
    let text = std::fs::read_to_string(manifest).expect("a fixture");
    folder.ok(&["tool", "add", manifest]);
    for (action, rule) in [
        ("set_gain", "run"),
        ("recall_snapshot", "run"),
        ("get_device_status", "deny"),
    ] {
        folder.ok(&["tool", "rule", &format!("qsys_control.{action}"), rule]);
    }
    let rules = |folder: &Folder| folder.json(0, &["setting", "get", "approvals.rules"])["value"].clone();
    let before = rules(&folder);
    folder.ok(&["tool", "add", manifest]);
    assert_eq!(rules(&folder), before, "it is as it was");
    let other = text
        .replace("Sets the gain of an output channel.", "Erases the design.")
        .replace("Reads a core's state.", "Reads it.");
    assert_ne!(other, text);
    let other = folder.file("other.json", other);
    folder.ok(&["tool", "add", &other]);
    let after = json!({"qsys_control.recall_snapshot": "run", "qsys_control.get_device_status": "deny"});
    assert_eq!(rules(&folder), after);
}

#[test]
fn what_a_value_says_cannot_draw_over_the_page() {
    let folder = Folder::seeded();
    let forged = "room_id=ZR-101\u{1b}[2K\r\nArguments\n  room_id: \u{202e}OTHER";
    let ended = folder.run(&["tool", "call", "zoom.restart_room", "--arg", forged]);
    assert_eq!(ended.code, 6, "{}", ended.err);
    let approvals = folder.json(0, &["approvals", "list"]);
    let id = approvals[0]["id"].as_str().expect("an approval");
    for args in [
        &["approvals", "show", id][..],
        &["approvals", "list"],
        &["run", "list"],
    ] {
        let page = folder.ok(args);
        assert_eq!(
            page.lines().filter(|line| *line == "Arguments").count(),
            usize::from(args[1] == "show")
        );
        let plain = |c: char| c == '\n' || !(c.is_control() || c == '\u{202e}');
        assert!(page.chars().all(plain), "{page:?}");
    }
    assert!(
        ended.out.chars().all(|c| c == '\n' || !c.is_control()),
        "{:?}",
        ended.out
    );
}

#[test]
fn settings_are_typed() {
    let folder = Folder::seeded();
    let set = folder.json(0, &["setting", "set", "approvals.self_approval", "true"]);
    assert_eq!((&set["value"], &set["before"]), (&json!(true), &json!(false)));
    assert_eq!(
        folder.json(0, &["setting", "get", "approvals.self_approval"])["is_default"],
        false
    );
    let unknown = folder.refused(
        4,
        "setting_unknown",
        &["setting", "get", "aprovals.self_approval"],
    );
    assert_eq!(unknown["hint"], "did you mean 'approvals.self_approval'?");
    folder.refused(
        4,
        "setting_invalid",
        &["setting", "set", "approvals.self_approval", "yes"],
    );
    assert!(folder.ok(&["setting", "list"]).contains("runs.mode"));
}

#[test]
fn a_secret_goes_in_and_never_comes_out() {
    let folder = Folder::seeded();
    let secret = "xoxb-a-very-long-secret";
    let set = ended(
        folder
            .command(&["secret", "set", "slack.token"])
            .write_stdin(format!("{secret}\n")),
    );
    assert_eq!(set.code, 0, "{set:?}");
    assert!(!set.out.contains(secret));
    let list = folder.ok(&["secret", "list", "--json"]);
    assert!(
        list.contains("https://slack.com") && !list.contains(secret),
        "{list}"
    );
    let from_env = [
        "secret",
        "set",
        "zoom.client_id",
        "--origin",
        "https://zoom.us",
        "--env",
        "MY_ID",
    ];
    let set = ended(folder.command(&from_env).env("MY_ID", "another-long-secret"));
    assert_eq!(set.code, 0, "{set:?}");
    folder.refused(2, "argument_invalid", &from_env);
    for name in ["agentops.db", "agentops.db-wal"] {
        let bytes = std::fs::read(folder.path(name)).unwrap_or_default();
        assert!(
            !bytes.windows(secret.len()).any(|part| part == secret.as_bytes()),
            "{name}"
        );
    }
    folder.refused(3, "not_found", &["secret", "remove", "slack.tokn"]);
    folder.ok(&["secret", "remove", "slack.token"]);
    assert_eq!(
        folder.json(0, &["secret", "list"]).as_array().map(Vec::len),
        Some(1)
    );
}

#[test]
fn agents_are_listed_and_shown() {
    let folder = Folder::seeded();
    let all = ["zoom", "servicenow", "slack", "local"];
    let expected = [
        ("Build Provisioner", "builds", &all[..]),
        ("Device Monitoring", "monitoring", &all),
        ("Event Conductor", "events", &all),
        ("Events", "events", &all),
        (
            "Incident Triage",
            "incidents",
            &["servicenow", "zoom", "slack", "local"],
        ),
        ("KB & Recipe Scout", "knowledge", &all[1..]),
        ("Support", "support", &all),
        ("Zoom Room Doctor", "zoom_rooms", &all),
    ];
    let listed = folder.json(0, &["agent", "list"]);
    let listed: Vec<Value> = listed.as_array().expect("agents").clone();
    let told: Vec<Value> = listed
        .iter()
        .map(|agent| json!([agent["name"], agent["domain"], agent["tools"]]))
        .collect();
    assert_eq!(json!(told), json!(expected));
    let page = folder.ok(&["agent", "list"]);
    for (name, domain, tools) in expected {
        let shown = folder.json(0, &["agent", "show", name]);
        assert_eq!(
            (&shown["domain"], &shown["tools"]),
            (&json!(domain), &json!(tools)),
            "{name}"
        );
        let line = page.lines().find(|line| line.starts_with(name)).expect("a line");
        assert!(
            line.contains(domain) && line.contains(&tools.join(", ")),
            "{line}"
        );
    }
    assert!(
        folder
            .ok(&["agent", "show", "zoom room doctor"])
            .contains("zoom-room-hdmi-black")
    );
    assert_eq!(
        folder.refused(3, "not_found", &["agent", "show", "Suport"])["hint"],
        "did you mean 'Support'?"
    );
}

#[test]
fn what_ships_fits_the_agents_that_ship_and_no_agent_borrows_a_tool() {
    let folder = Folder::seeded();
    let start = |recipe: &str, agent: &[&str]| {
        folder.json(0, &[&["run", "start", recipe, "--detach"], agent].concat());
    };
    for recipe in folder.json(0, &["recipe", "list"]).as_array().expect("recipes") {
        start(recipe["slug"].as_str().expect("a slug"), &[]);
    }
    for agent in folder.json(0, &["agent", "list"]).as_array().expect("agents") {
        let own = agent["config"]["recipes"].as_array().expect("recipes");
        assert!(!own.is_empty(), "{agent}");
        for recipe in own {
            let name = agent["name"].as_str().expect("a name");
            start(recipe.as_str().expect("a slug"), &["--agent", name]);
        }
    }
    let wrong = [
        "run",
        "start",
        "zoom-room-hdmi-black",
        "--agent",
        "KB & Recipe Scout",
    ];
    let refused = folder.refused(4, "agent_lacks_tool", &wrong);
    let message = refused["message"].as_str().expect("a message");
    assert!(message.ends_with("doesn't have: zoom"), "{message}");
}
