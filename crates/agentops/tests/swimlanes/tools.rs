//! Tools that are added while a server runs.

use serde_json::json;

use crate::house::{House, fixture};

#[tokio::test]
async fn a_tool_can_be_called_as_soon_as_it_is_added() {
    let house = House::new();
    let file = fixture("qsys_control.json");
    house.json(&["tool", "add", file.to_str().expect("a path of text")]);
    let ask = [
        "tool",
        "call",
        "qsys_control.get_device_status",
        "-a",
        "device_id=core-4a",
        "--watch",
    ];
    let view = house.json(&ask);
    assert_eq!(
        view["run"]["outputs"]["result"]["device_id"], "core-4a",
        "{view:#}"
    );

    let call = ["tool", "call", "qsys_control.set_gain", "--as", "ann"];
    let args = ["-a", "device_id=core-4a", "-a", "channel=main", "-a", "db=-6.5"];
    let view = house.json(&[call.as_slice(), args.as_slice()].concat());
    let run = view["run"]["run"].as_str().expect("an id");
    let approval = house.until_approval(run);
    house.json(&["approvals", "approve", &approval, "--as", "bob"]);
    house.succeeds(run);
    let state = house.world().await.0["devices"]["tools"]["qsys_control"]["devices"]["core-4a"].clone();
    assert_eq!(state["gains"]["main"], json!(-6.5), "{state}");
}
