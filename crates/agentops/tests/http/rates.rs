//! How often somebody may ask: everybody has a bucket of their own, whatever they show, and strangers share
//! that of their address. A bucket fills again while a test runs, so what is checked is that of as many
//! requests as a bucket of one's own holds all or not all are answered.

use crate::site::{Browser, Got, Site};

/// What a bucket holds at one request a second.
const AT_ONCE: usize = 10;
/// Looks after which a bucket that isn't empty never will be.
const MOST: usize = 1_000;

/// The first refusal among so many looks at a path, if there is one.
async fn refusal(who: &Browser, path: &str, looks: usize) -> Option<Got> {
    for _ in 0..looks {
        let got = who.get(path).await;
        if got.status == 429 {
            return Some(got);
        }
    }
    None
}

/// Checks a refusal; the seconds after which to come back.
fn wait(refused: Option<Got>) -> u64 {
    let refused = refused.expect("a refusal");
    let header = refused.headers.get("retry-after").expect("a wait").clone();
    let problem = refused.refused(429, "rate_limited");
    let seconds = header.to_str().expect("text").parse().expect("whole seconds");
    let message = problem["detail"].as_str().expect("a message");
    assert!(message.contains(&format!("in {seconds} s")), "{problem}");
    seconds
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_has_one_bucket_for_all_tokens_and_nobody_elses() {
    let site = Site::open_with(&[("AGENTOPS_SERVER__REQUESTS_PER_SECOND", "1")]).await;
    let ann = site.user("ann", &["viewer"]).await;
    let bob = site.user("bob", &["viewer"]).await;
    let one = ann.make_token(&["read"]).await;
    let other = ann.make_token(&["read"]).await;
    let path = "/api/v1/about";

    assert_eq!(wait(refusal(&one, path, MOST).await), 1);
    assert_eq!(wait(refusal(&other, path, AT_ONCE).await), 1, "the same person");
    assert_eq!(wait(refusal(&ann, path, AT_ONCE).await), 1, "signed in");
    for _ in 0..AT_ONCE {
        bob.get(path).await.ok(200);
    }
    assert_eq!(wait(refusal(&bob, path, MOST).await), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_of_an_address_ask_a_few_times_only_and_the_known_are_let_in() {
    let site = Site::open_with(&[("AGENTOPS_SERVER__STRANGERS_PER_MINUTE", "2")]).await;
    let path = "/api/v1/about";
    // The link of the first admin took one of the two.
    let nobody = site.nobody();
    nobody.get(path).await.refused(401, "sign_in_needed");
    let seconds = wait(refusal(&nobody, path, 2).await);
    assert!((1..=30).contains(&seconds), "{seconds}");
    let forged = nobody.token("ao_forged");
    wait(refusal(&forged, path, 2).await);
    wait(refusal(&nobody, "/healthz", 2).await);
    for _ in 0..5 {
        site.admin.get(path).await.ok(200);
    }
}
