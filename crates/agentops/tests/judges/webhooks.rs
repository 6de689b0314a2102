//! Signatures of webhooks: the vendors' own code signs and judges, the gateway's checks must agree.

use std::collections::BTreeMap;
use std::process::Command;

use gateway::signature::{Request, Scheme, Verifier};
use serde::Deserialize;
use types::Timestamp;

use crate::peers::{peer, printed, python, script};

const GITHUB: &str = "npm/node_modules/@octokit/webhooks-methods/dist-node/index.js";

/// A request as the vendor's code signed it, or spoilt, and that code's verdict.
#[derive(Debug, Deserialize)]
struct Case {
    scheme: String,
    name: String,
    secret: String,
    url: String,
    headers: BTreeMap<String, String>,
    /// In hex.
    body: String,
    now_ms: i64,
    accepted: bool,
}

#[test]
fn the_vendors_own_checks_and_ours_agree() {
    let mut node = Command::new("node");
    node.arg(script("github_webhooks.mjs")).arg(peer(GITHUB));
    let by_vendors = [
        printed("github_webhooks", &mut node),
        printed("webhooks", python("webhooks").env_clear()),
    ];
    // By scheme, how many the vendor accepts and refuses: neither may be nothing.
    let mut seen: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    for list in by_vendors {
        let cases: Vec<Case> = serde_json::from_value(list).expect("a list of cases");
        for case in cases {
            let ours = verdict(&case);
            assert_eq!(ours.is_ok(), case.accepted, "{}: {ours:?}: {case:?}", case.name);
            seen.entry(case.scheme).or_default()[usize::from(case.accepted)] += 1;
        }
    }
    let schemes: Vec<&str> = seen.keys().map(String::as_str).collect();
    assert_eq!(schemes, ["github", "slack", "standard_webhooks", "twilio"]);
    for (scheme, counts) in seen {
        assert!(counts.iter().all(|count| *count >= 25), "{scheme}: {counts:?}");
    }
}

fn verdict(case: &Case) -> Result<(), gateway::signature::Refused> {
    let scheme = match case.scheme.as_str() {
        "github" => Scheme::GitHub,
        "slack" => Scheme::Slack,
        "standard_webhooks" => Scheme::StandardWebhooks,
        "twilio" => Scheme::Twilio,
        other => panic!("no scheme is called {other}"),
    };
    let headers: Vec<(&str, &[u8])> = case
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    let body = hex::decode(&case.body).expect("the body is hex");
    let request = Request {
        url: &case.url,
        headers: &headers,
        body: &body,
    };
    Verifier::new(scheme, [&case.secret])?.check(&request, Timestamp::from_millis(case.now_ms))
}
