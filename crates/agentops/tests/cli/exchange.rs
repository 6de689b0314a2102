//! Recipes in from files and out to files: convert, export, import, sync.

use serde_json::{Value, json};

use crate::rig::Folder;

const LAMP: &str = "id: lamp-check-v2\ntitle: Lamp Check\nsteps:\n  - id: see-lamp\n    using: mcp-zoom\n    \
                    action: get_room_status\n    params: {roomId: '{{ inputs.room }}'}\n    saves: {health: $.health}\n    \
                    fallback: {simulate: true, saves: {health: good}}\n  - id: blink\n    using: mcp-lamp\n    action: blink\n    \
                    params: {}\n    fallback: {simulate: true}\ninputs:\n  room: {type: string, required: true}\n\
                    verify:\n  - s.health == 'good' or s.health\n";

fn tea(words: &str) -> String {
    format!(
        "name: Tea\nintake: []\nplan: []\nact:\n  - id: brew\n    action: local.note\n    with: {{text: {words}}}\nverify: []\n"
    )
}

/// Noun, name and what became of it, of each change.
fn changes(document: &Value) -> Vec<String> {
    let changes = document["changes"].as_array().expect("changes");
    let text = |change: &Value, key: &str| change[key].as_str().unwrap_or_default().to_owned();
    changes
        .iter()
        .map(|change| {
            format!(
                "{} {} {}",
                text(change, "noun"),
                text(change, "name"),
                text(change, "what")
            )
        })
        .collect()
}

#[test]
fn an_older_recipe_is_checked_saved_run_and_converted() {
    let folder = Folder::seeded();
    let file = folder.file("lamp.yaml", LAMP);
    let found = folder.json(0, &["recipe", "check", &file]);
    assert_eq!(found["files"][0]["read_as"], "step list");
    assert!(
        folder
            .ok(&["recipe", "check", &file])
            .contains("read as: step list")
    );
    let saved = folder.json(0, &["recipe", "save", &file, "--activate"]);
    assert_eq!(saved["slug"], "lamp-check");
    let run = folder.json(0, &["run", "start", "lamp-check", "--input", "room=ZR-nowhere"]);
    assert_eq!(run["run"]["status"], "succeeded", "{run:#}");
    folder.refused(
        4,
        "tool_not_configured",
        &[
            "run",
            "start",
            "lamp-check",
            "--mode",
            "real",
            "--input",
            "room=x",
        ],
    );

    let written = folder.path("today.yaml");
    let written = written.to_str().expect("UTF-8");
    folder.ok(&["recipe", "convert", &file, "--out", written]);
    let again = folder.json(0, &["recipe", "convert", written]);
    let text = std::fs::read_to_string(written).expect("it is written");
    assert_eq!(
        (&again["dialect"], again["text"].as_str()),
        (&json!("native"), Some(text.as_str()))
    );
    let ended = folder.run(&["recipe", "convert", &file]);
    assert_eq!(ended.out, text);
    assert!(ended.err.contains("read as: step list"), "{}", ended.err);
    let broken = folder.file("broken.yaml", LAMP.replace("inputs.room }}", "inputs.rom }}"));
    let refused = folder.json(4, &["recipe", "convert", &broken]);
    let found = refused["diagnostics"].as_array().expect("findings");
    assert!(
        found.iter().any(|found| found["code"] == "template_undefined"),
        "{found:#?}"
    );
}

#[test]
fn what_is_exported_is_taken_over_elsewhere_as_it_was() {
    let folder = Folder::seeded();
    let file = folder.file("lamp.yaml", LAMP);
    folder.ok(&["recipe", "save", &file, "--activate"]);
    let zip = folder.path("all.zip");
    let zip = zip.to_str().expect("UTF-8");
    let exported = folder.json(0, &["recipe", "export", zip]);
    assert!(
        exported["files"]
            .as_array()
            .expect("files")
            .contains(&json!("recipes/lamp-check.yaml"))
    );

    let other = Folder::seeded();
    let planned = other.json(0, &["recipe", "import", zip, "--dry-run"]);
    assert_eq!(planned["changed"], false);
    assert!(
        changes(&planned).contains(&"recipe lamp-check new".to_owned()),
        "{planned:#}"
    );
    other.refused(3, "not_found", &["recipe", "show", "lamp-check"]);
    let done = other.json(0, &["recipe", "import", zip, "--activate"]);
    let news: Vec<String> = changes(&done)
        .into_iter()
        .filter(|change| change.ends_with(" new"))
        .collect();
    assert_eq!(news, ["recipe lamp-check new"]);
    let again = other.json(0, &["recipe", "import", zip]);
    assert!(
        changes(&again)
            .iter()
            .all(|change| !change.ends_with(" new") && !change.ends_with("changed"))
    );
    let text = |folder: &Folder| folder.json(0, &["recipe", "show", "lamp-check"])["text"].clone();
    assert_eq!(text(&other), json!(LAMP));
    assert_eq!(
        other.json(0, &["recipe", "versions", "lamp-check"])["versions"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}

#[test]
fn an_import_with_any_error_changes_nothing_and_tells_all_of_them() {
    let folder = Folder::seeded();
    let inside = folder.path("docs");
    std::fs::create_dir_all(inside.join("more")).expect("a folder");
    let put = |name: &str, text: &str| std::fs::write(inside.join(name), text).expect("it is written");
    put("good.yaml", &tea("Brew"));
    put("one.yaml", &LAMP.replace("using: mcp-zoom", "usign: mcp-zoom"));
    put(
        "more/two.json",
        "{\"name\": \"t\", \"actions\": {\"go\": {\"description\": 7}}}",
    );
    put("notes.md", "not read");
    let path = inside.to_str().expect("UTF-8");
    let refused = folder.json(4, &["recipe", "import", path]);
    let problems = refused["problems"].as_array().expect("problems");
    let told = |part: &str| problems.iter().any(|problem| problem.to_string().contains(part));
    assert!(
        told("one.yaml:5:5") && told("unknown_key") && told("more/two.json") && told("manifest_invalid"),
        "{refused:#}"
    );
    folder.refused(3, "not_found", &["recipe", "show", "good"]);
    assert!(
        folder
            .run(&["recipe", "import", path])
            .out
            .contains("nothing was taken over")
    );
    let not_zip = folder.file("x.zip", "no archive");
    folder.refused(4, "bundle_invalid", &["recipe", "import", &not_zip]);
}

#[test]
fn agents_workflows_guardrails_and_tools_come_together() {
    let folder = Folder::seeded();
    let inside = folder.path("docs");
    std::fs::create_dir_all(&inside).expect("a folder");
    let put = |name: &str, text: &str| std::fs::write(inside.join(name), text).expect("it is written");
    put("lamp.yaml", LAMP);
    put(
        "agents.json",
        r#"[{"id": "agent-lamp-keeper-v1", "name": "Lamp Keeper", "role": "Keeps lamps", "tools": ["mcp-zoom", "mcp-slack"],
        "recipes": ["lamp-check-v2"], "guardrails": ["lamps-v1"]}]"#,
    );
    put(
        "limits.json",
        r#"{"id": "lamps-v1", "allow_tools": ["mcp-zoom"], "deny_actions": ["zoom.restart_room"], "on_violation": "halt"}"#,
    );
    put(
        "nightly.json",
        r#"{"id": "nightly-v1", "name": "Nightly", "trigger": {"cron": "0 6 * * *"}, "params": {"rooms": ["a", "b"]},
        "graph": [{"id": "each", "run": {"type": "foreach", "items": "params.rooms", "do": {"agent": "agent-lamp-keeper-v1", "recipe": "lamp-check-v2",
        "with": {"room": "${item}"}}}}, {"id": "done", "terminal": true}]}"#,
    );
    put(
        "lamp-tool.json",
        r#"{"name": "lamp_box", "description": "Lamps", "actions": {"blink": {"description": "Blink", "parameters": {"times": "number"}}}}"#,
    );
    let done = folder.json(
        0,
        &["recipe", "import", inside.to_str().expect("UTF-8"), "--activate"],
    );
    let mut told = changes(&done);
    told.sort();
    assert_eq!(
        told,
        [
            "agent Lamp Keeper new",
            "guardrails lamps new",
            "recipe lamp-check new",
            "recipe nightly new",
            "rule zoom.restart_room: deny new",
            "tool lamp_box new",
            "workflow nightly new",
        ]
    );
    let agent = folder.json(0, &["agent", "show", "Lamp Keeper"]);
    assert_eq!(
        agent["tools"],
        json!(["zoom"]),
        "the guardrails of the import limit its tools"
    );
    let rules = folder.json(0, &["setting", "get", "approvals.rules"]);
    assert_eq!(rules["value"]["zoom.restart_room"], "deny");
    let kept = folder.json(0, &["setting", "get", "workflows.kept"]);
    assert_eq!(kept["value"]["nightly"]["trigger"]["cron"], "0 6 * * *");
    let run = folder.json(0, &["run", "start", "nightly"]);
    assert_eq!(run["run"]["status"], "succeeded", "{run:#}");
    let single = inside.join("limits.json");
    folder.refused(
        4,
        "not_a_recipe",
        &["recipe", "save", single.to_str().expect("UTF-8")],
    );
}

#[test]
fn a_folder_is_kept_in_step_and_nothing_is_ever_removed() {
    let folder = Folder::seeded();
    let inside = folder.path("mine");
    let path = inside.to_str().expect("UTF-8").to_owned();
    folder.ok(&["recipe", "export", &path]);
    let same = folder.json(0, &["recipe", "sync", &path]);
    assert!(
        same["changed"] == false && changes(&same).iter().all(|change| change.ends_with(" same")),
        "{same:#}"
    );

    std::fs::write(inside.join("tea.yaml"), tea("Brew")).expect("it is written");
    std::fs::write(inside.join("tea-v2.yaml"), tea("Brew well")).expect("it is written");
    std::fs::remove_file(inside.join("zoom-room-hdmi-black.yaml")).expect("it was there");
    let unasked = folder.run(&["recipe", "sync", &path]);
    assert!(
        unasked.code == 2 && unasked.err.contains("[argument_invalid]"),
        "{unasked:?}"
    );
    folder.refused_json(3, "not_found", &["recipe", "show", "tea"]);
    let planned = folder.ok(&["recipe", "sync", &path, "--dry-run"]);
    assert!(
        planned.contains("+    with: {text: Brew well}")
            && planned.contains("kept here: zoom-room-hdmi-black"),
        "{planned}"
    );
    let done = folder.json(0, &["recipe", "sync", &path, "--yes", "--activate"]);
    assert_eq!(done["absent"], json!(["zoom-room-hdmi-black"]));
    let versions = folder.json(0, &["recipe", "versions", "tea"]);
    assert_eq!(
        (&versions["active"], versions["versions"].as_array().map(Vec::len)),
        (&json!(2), Some(2))
    );
    let again = folder.json(0, &["recipe", "sync", &path, "--yes"]);
    assert_eq!(again["changed"], false, "{again:#}");
    folder.ok(&["recipe", "show", "zoom-room-hdmi-black"]);

    std::fs::write(inside.join("tea-v2.yaml"), tea("Brew long")).expect("it is written");
    folder.json(0, &["recipe", "sync", &path, "--yes"]);
    let versions = folder.json(0, &["recipe", "versions", "tea"]);
    assert_eq!(
        (&versions["active"], versions["versions"].as_array().map(Vec::len)),
        (&json!(2), Some(3))
    );
    folder.refused(
        1,
        "folder_unreadable",
        &["recipe", "sync", &format!("{path}/nowhere")],
    );
}

#[test]
fn what_stays_a_draft_is_said_with_what_activates_it() {
    let folder = Folder::seeded();
    let file = folder.file("tea.yaml", tea("Brew"));
    let first = folder.ok(&["recipe", "import", &file]);
    assert!(
        first.contains(
            "tea version 1 is a draft, and there is none that runs follow: agentops recipe activate tea 1"
        ),
        "{first}"
    );
    folder.ok(&["recipe", "activate", "tea", "1"]);
    folder.file(
        "tea.yaml",
        tea("Stir").replace("name: Tea", "name: Green Tea\ndescription: Stirred"),
    );
    let done = folder.json(0, &["recipe", "import", &file, "--dry-run"]);
    assert_eq!(done["drafts"], json!([]), "nothing is saved yet");
    let done = folder.json(0, &["recipe", "import", &file]);
    let draft =
        json!({"recipe": "tea", "version": 2, "active": 1, "activate": "agentops recipe activate tea 2"});
    assert_eq!(done["drafts"], json!([draft]), "{done:#}");
    let tea_listed = || {
        let recipes = folder.json(0, &["recipe", "list"]);
        let mut recipes = recipes.as_array().expect("a list").iter();
        let tea = recipes.find(|one| one["slug"] == "tea");
        tea.expect("the recipe").clone()
    };
    // The list shows what runs follow, and that there is a draft.
    let listed = folder.ok(&["recipe", "list"]);
    let line = listed
        .lines()
        .find(|line| line.starts_with("tea "))
        .expect("its line");
    assert!(line.contains(" Tea ") && line.contains("v1 (draft v2)"), "{line}");
    let shown = tea_listed();
    assert_eq!((&shown["name"], &shown["draft"]), (&json!("Tea"), &json!(2)));
    folder.ok(&["recipe", "activate", "tea", "2"]);
    let shown = tea_listed();
    assert_eq!(
        (&shown["name"], &shown["description"]),
        (&json!("Green Tea"), &json!("Stirred"))
    );
    let synced = folder.path("folder");
    std::fs::create_dir(&synced).expect("a folder");
    std::fs::write(synced.join("tea.yaml"), tea("Pour")).expect("it is written");
    let synced = synced.to_str().expect("UTF-8");
    let told = folder.ok(&["recipe", "sync", synced, "--yes"]);
    assert!(
        told.contains(
            "tea version 3 is a draft, and runs go on with version 2: agentops recipe activate tea 3"
        ),
        "{told}"
    );
    let told = folder.ok(&["recipe", "sync", synced, "--yes", "--activate"]);
    assert!(!told.contains("is a draft"), "{told}");
}

#[test]
fn faults_are_told_once_and_a_draft_with_errors_says_that_it_is_kept() {
    let folder = Folder::seeded();
    let good = folder.file("tea.yaml", tea("Brew"));
    folder.ok(&["recipe", "save", &good, "--activate"]);
    let bad = folder.file("bad.yaml", tea("Brew").replace("local.note", "local.nope"));
    let refused = folder.run(&["recipe", "import", &bad]);
    assert_eq!(refused.code, 4, "{refused:?}");
    let told = refused.out.matches("there is no action 'local.nope'").count();
    assert_eq!(told, 1, "{}", refused.out);
    assert!(refused.out.contains("nothing was taken over"), "{}", refused.out);

    let kept = folder.run(&["recipe", "save", &bad]);
    assert_eq!(kept.code, 4, "{kept:?}");
    for part in [
        "tea version 2: new version, a draft with errors",
        "it is kept, but it can't run",
        "exit code 4",
        "runs go on with version 1",
    ] {
        assert!(kept.out.contains(part), "{part} in {}", kept.out);
    }
    let saved = folder.json(4, &["recipe", "save", &bad]);
    assert_eq!(
        (&saved["runnable"], &saved["active"], &saved["runs_follow"]),
        (&json!(false), &json!(false), &json!(1))
    );
}

#[test]
fn converting_says_what_has_to_be_filled_in() {
    let folder = Folder::seeded();
    let file = folder.file("lost.yaml", LAMP.replace(
        "  - id: blink\n    using: mcp-lamp\n    action: blink\n    params: {}\n",
        "  - id: restart\n    using: mcp-zoom\n    action: restart_room\n    params: {roomId: '{{ inputs.room }}', device_id: core-1}\n",
    ));
    let out = folder.path("today.yaml");
    let out_text = out.to_str().expect("UTF-8");
    let ended = folder.run(&["recipe", "convert", &file, "--out", out_text]);
    assert_eq!(ended.code, 4, "{ended:?}");
    assert!(ended.err.contains("it isn't whole"), "{}", ended.err);
    let text = std::fs::read_to_string(&out).expect("it is written");
    assert!(text.contains("# to be filled in: "), "{text}");
    let document = folder.json(4, &["recipe", "convert", &file]);
    let lacks = document["to_fill_in"].as_array().expect("a list").clone();
    let found = folder.json(4, &["recipe", "check", out_text]);
    let errors = found["files"][0]["diagnostics"]
        .as_array()
        .expect("findings")
        .iter();
    let errors: Vec<_> = errors
        .filter(|found| found["severity"] == "error")
        .map(|found| json!({"line": found["line"], "code": found["code"], "message": found["message"]}))
        .collect();
    assert_eq!(lacks, errors, "what is said is what checking finds");
    assert!(!lacks.is_empty());
}

#[test]
fn what_a_recipe_lacks_is_remarked_on_when_it_is_news() {
    let folder = Folder::seeded();
    let lacking =
        "name: Count\nintake: []\nplan: []\nact:\n  - id: add\n    action: counter.add_key\nverify: []\n";
    let file = folder.file("count.yaml", lacking);
    let told = folder.ok(&["recipe", "save", &file, "--activate"]);
    assert!(
        told.contains("counter.add_key") && told.contains("active"),
        "{told}"
    );
    let elsewhere = Folder::seeded();
    let told = elsewhere.ok(&["recipe", "import", &file]);
    assert!(told.contains("counter"), "{told}");
    let again = elsewhere.ok(&["recipe", "import", &file]);
    assert!(
        again.contains("as it was") && !again.contains("counter"),
        "{again}"
    );
}
