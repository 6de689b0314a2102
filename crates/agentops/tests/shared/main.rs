//! Real files of an earlier tool, which must read unchanged. They lie outside this repository, in
//! the folder that `AGENTOPS_SHARED` names, or else in `shared` beside the workspace.

#[path = "../swimlanes/house.rs"]
#[expect(dead_code, reason = "these tests need only a part of the house")]
mod house;
#[path = "../swimlanes/world.rs"]
#[expect(dead_code, reason = "these tests need only a part of the world")]
mod world;

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::house::House;

/// A file of the folder; the test fails plainly if it isn't there.
fn shared(file: &str) -> PathBuf {
    let folder = std::env::var_os("AGENTOPS_SHARED").map(PathBuf::from);
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let path = folder.unwrap_or_else(beside).join(file);
    assert!(
        path.exists(),
        "'{}' is not there: these tests need the folder of shared documents; AGENTOPS_SHARED names it",
        path.display()
    );
    path
}

/// What checking a file says, with the exit code that it must end with.
fn checked(house: &House, code: i32, path: &std::path::Path) -> Value {
    let document = house.ends(code, &["recipe", "check", path.to_str().expect("a path of text")]);
    document["files"][0].clone()
}

#[tokio::test]
async fn the_scaffold_of_the_runbook_checks_and_runs() {
    let house = House::new();
    let text = std::fs::read_to_string(shared("seeds/av-ops-runbook.md")).expect("the runbook reads");
    let (_, rest) = text.split_once("```yaml\n").expect("a block of YAML");
    let (scaffold, _) = rest.split_once("```").expect("its end");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("scaffold.yaml");
    std::fs::write(&file, scaffold).expect("the scaffold is written");

    let found = checked(&house, 0, &file);
    assert_eq!(found["dialect"], "ipav_lists");
    let told = found["diagnostics"].as_array().expect("findings");
    assert!(told.iter().all(|told| told["severity"] == "note"), "{told:#?}");
    house.save(&file, "scaffold");
    let run = house.begin("scaffold", &json!({}));
    house.until_asked(&run, "input");
    house.json(&["run", "input", &run, "room=Huddle 2B", "--as", "ann"]);
    house.succeeds(&run);
    assert_eq!(house.world().await.messages("avops"), ["Room Huddle 2B verified"]);
}

#[tokio::test]
async fn lists_in_plain_words_check_and_run_as_tasks_for_people() {
    let house = House::new();
    let file = shared("compat/av-ops/backup_room_failover.yaml");
    let found = checked(&house, 0, &file);
    assert_eq!(
        (&found["dialect"], &found["runnable"]),
        (&json!("ipav_lists"), &json!(true))
    );
    let diagnostics = found["diagnostics"].as_array().expect("findings");
    assert!(
        diagnostics.iter().all(|found| found["code"] == "unbound_step"),
        "{diagnostics:#?}"
    );
    assert_eq!(diagnostics.len(), 7);

    house.save(&file, "failover");
    let inputs = json!({"primary_room_id": "ZR-101", "backup_room_id": "ZR-102", "schedule": "today"});
    let run = house.begin("failover", &inputs);
    // Five tasks, then two confirmations, one after the other and in the order of the file.
    for step in 0..7 {
        let view = house.until(&run, "its next task", |view| {
            let done = view["steps"]
                .as_array()
                .expect("steps")
                .iter()
                .filter(|step| step["status"] == "succeeded");
            view["asks"][0]["kind"] == "task" && done.count() == 3 + step
        });
        let key = view["asks"][0]["step"].as_str().expect("a step").to_owned();
        assert_eq!(view["asks"].as_array().map(Vec::len), Some(1), "{view:#}");
        house.json(&["run", "task", &run, &key, "done", "--as", "bob"]);
    }
    house.succeeds(&run);
}

/// Every recipe of the earlier tool, and the form it has.
const RECIPES: [(&str, &str); 7] = [
    ("backup_room_failover.yaml", "ipav_lists"),
    ("event-ros-orchestration.yaml", "step_list"),
    ("zoom-room-healthcheck.yaml", "step_list"),
    ("ipav_kb_publish.yaml", "tool_list"),
    ("fixed-plan-agent.yaml", "fixed_agents"),
    ("orchestrator.yaml", "orchestrator"),
    ("daily-room-health.json", "workflow"),
];

/// Those that give a write what its action doesn't take: they can be kept and not run.
const NOT_WHOLE: [&str; 2] = ["ipav_kb_publish.yaml", "orchestrator.yaml"];

/// The codes of what checking found.
fn codes(file: &Value) -> Vec<&str> {
    let found = file["diagnostics"].as_array().expect("findings").iter();
    found.filter_map(|found| found["code"].as_str()).collect()
}

#[test]
fn a_snapshot_for_one_device_is_not_loaded_on_whatever_there_is() {
    let house = House::new();
    let found = checked(&house, 0, &shared("compat/av-ops/orchestrator.yaml"));
    assert_eq!(found["runnable"], json!(false));
    let told = found["diagnostics"].as_array().expect("findings");
    let lost = told
        .iter()
        .filter(|told| told["code"] == "argument_not_taken")
        .map(|told| told["message"].as_str().unwrap_or_default());
    let lost: Vec<&str> = lost.collect();
    assert!(
        lost.iter()
            .any(|told| told.contains("qsys.load_snapshot") && told.contains("device_id")),
        "{lost:#?}"
    );
    let all = found.to_string();
    assert!(!all.contains("there is no tool 'qsys_api'"), "{all}");
}

#[test]
fn every_older_form_reads_and_converts_to_what_reads_the_same() {
    let house = House::new();
    let folder = tempfile::tempdir().expect("a folder");
    for (file, form) in RECIPES {
        let path = shared(&format!("compat/av-ops/{file}"));
        let found = checked(&house, 0, &path);
        assert_eq!(found["dialect"], form, "{file}");
        let out = folder.path().join(file);
        let out_text = out.to_str().expect("a path of text");
        // What isn't taken can be kept in the older form, and is a mistake in what is written today.
        let whole = !codes(&found).contains(&"argument_not_taken");
        let path = path.to_str().expect("a path of text");
        let written = house.ends(
            if whole { 0 } else { 4 },
            &["recipe", "convert", path, "--out", out_text],
        );
        let lacks = written["to_fill_in"].as_array().map(Vec::len);
        assert_eq!(lacks == Some(0), whole, "{file}: {written:#}");
        assert_eq!(whole, !NOT_WHOLE.contains(&file), "{file}: {found:#}");
        let today = checked(&house, if whole { 0 } else { 4 }, &out);
        assert_eq!(
            (&today["dialect"], &today["runnable"]),
            (&json!("native"), &found["runnable"]),
            "{file}"
        );
        if !whole {
            assert!(codes(&today).contains(&"bad_argument"), "{file}: {today:#}");
            let text = std::fs::read_to_string(&out).expect("it is written");
            assert_eq!(
                Some(text.matches("# to be filled in: ").count()),
                lacks,
                "{file}: {text}"
            );
            continue;
        }
        let again = house.json(&["recipe", "convert", out_text]);
        let written = std::fs::read_to_string(&out).expect("it is written");
        assert_eq!(again["text"], written, "{file}: converting again changes nothing");
    }
    for (file, form) in [
        ("zoom-room-doctor.json", "agent"),
        ("default-guardrails.json", "guardrails"),
        ("tool-qsys_control.json", "manifest"),
    ] {
        let found = checked(&house, 0, &shared(&format!("compat/av-ops/{file}")));
        assert_eq!(found["dialect"], form, "{file}");
    }
}

#[tokio::test]
async fn the_whole_folder_is_taken_over_and_its_workflow_runs_in_mock_mode() {
    let house = House::new();
    let folder = shared("compat/av-ops");
    let folder = folder.to_str().expect("a path of text");
    let done = house.json(&["recipe", "import", folder, "--activate"]);
    let made = |noun: &str| {
        let changes = done["changes"].as_array().expect("changes").iter();
        changes.filter(|change| change["noun"] == noun).count()
    };
    assert_eq!(
        (
            made("recipe"),
            made("agent"),
            made("guardrails"),
            made("tool"),
            made("workflow")
        ),
        (7, 2, 1, 1, 1)
    );
    let inputs = json!({"roomId": "ZR-101", "channel": "#avops"});
    let health = house.begin("zoom-room-healthcheck", &inputs);
    house.succeeds(&health);
    let told = house.world().await.messages("avops").join(" ");
    assert!(told.contains("Zoom Room ZR-101 health"), "{told}");
    // One run for each room, each through the same steps.
    let survey = house.begin("wf-daily-room-health", &json!({}));
    house.succeeds(&survey);
}

#[tokio::test]
async fn a_tools_manifest_reads_and_its_actions_ask_before_they_are_called() {
    let mut house = House::new();
    // Without a server each command works by itself, on the tools as they are.
    house.stop();
    let file = shared("compat/av-ops/tool-qsys_control.json");
    let added = house.json(&["tool", "add", file.to_str().expect("a path of text")]);
    assert_eq!(
        added["actions"],
        json!(["qsys_control.set_gain", "qsys_control.recall_snapshot"])
    );
    let args = ["-a", "device_id=core-4a", "-a", "channel=main", "-a", "db=-6.5"];
    let call = [
        ["tool", "call", "qsys_control.set_gain", "--as", "ann"].as_slice(),
        args.as_slice(),
    ]
    .concat();
    let view = house.ends(6, &call);
    let approval = view["approvals"][0]["id"]
        .as_str()
        .expect("it waits for an approval")
        .to_owned();
    house.json(&["approvals", "approve", &approval, "--as", "bob"]);
    house.start();
    house.succeeds(view["run"]["run"].as_str().expect("an id"));
    let log = house.world().await.0["devices"]["log"].clone();
    assert_eq!(log.as_array().map(Vec::len), Some(1), "{log}");
}
