//! Headers that are missing, repeated, ill-formed or too large are refused, each with its reason.

use gateway::signature::{MAX_BODY_BYTES, MAX_HEADERS, MAX_URL_BYTES, MAX_VALUE_BYTES};

use crate::sample::{self, Sample, all};

/// The headers of a sample that its scheme can't do without.
fn needed(sample: &Sample) -> Vec<String> {
    let names = sample.headers.iter().map(|(name, _)| name.clone());
    let spare = ["Content-Type", "X-Twilio-Webhooks-Signature-Settings"];
    names.filter(|name| !spare.contains(&name.as_str())).collect()
}

#[test]
fn a_missing_header_is_refused() {
    for sample in all() {
        for name in needed(&sample) {
            let refused = sample.clone().without(&name);
            assert_eq!(
                refused.outcome(),
                "webhook_header_missing",
                "{} {name}",
                sample.name
            );
        }
    }
}

#[test]
fn a_repeated_header_is_refused_even_if_both_are_right() {
    for sample in all() {
        for (name, value) in sample.headers.clone() {
            for again in [name.clone(), name.to_ascii_uppercase()] {
                let mut twice = sample.clone();
                twice.headers.push((again, value.clone()));
                assert_eq!(
                    twice.outcome(),
                    "webhook_header_repeated",
                    "{} {name}",
                    sample.name
                );
            }
        }
    }
}

#[test]
fn an_ill_formed_header_is_refused() {
    let hex = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let upper = hex.to_ascii_uppercase();
    let short = &hex[1..];
    let check = |sample: fn() -> Sample, name: &str, values: &[&str]| {
        for value in values {
            let refused = sample().set(name, value);
            assert_eq!(refused.outcome(), "webhook_header_invalid", "{name}: {value:?}");
        }
    };
    let github = [hex, &format!("sha1={hex}"), &format!("sha256={upper}"), ""];
    check(sample::github, "X-Hub-Signature-256", &github);
    let github = [
        &format!("sha256={short}"),
        &format!("sha256={hex}0"),
        " ",
        "sha256=",
    ];
    check(
        sample::github,
        "X-Hub-Signature-256",
        &github.map(|value: &str| value),
    );
    check(
        sample::slack,
        "X-Slack-Signature",
        &[hex, &format!("v1={hex}"), "v0=zz"],
    );
    let times = [
        "",
        "soon",
        "-1",
        "+1531420618",
        "01531420618",
        "1531420618.0",
        " 1531420618",
    ];
    check(sample::slack, "X-Slack-Request-Timestamp", &times);
    check(sample::standard_webhooks, "webhook-timestamp", &times);
    check(sample::grafana_with_time, "X-Grafana-Time", &times);
    let huge = ["1".repeat(13), "9".repeat(400)];
    check(sample::slack, "X-Slack-Request-Timestamp", &[&huge[0], &huge[1]]);
    check(sample::standard_webhooks, "webhook-id", &["", "msg.1", "."]);
    let code = "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE";
    let lists = [
        "",
        code,
        &format!("v1,{code}"),
        &format!("v1,{code}=,v1,{code}="),
        &format!("v1,{code}= "),
        &format!(",{code}="),
        // The same bytes in another spelling: the last digit has bits to spare.
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF=",
        "v1,AAAA",
    ];
    check(sample::standard_webhooks, "webhook-signature", &lists);
    let lists = [
        "",
        "v1=",
        hex,
        &format!("v1={upper}"),
        &format!("v1={hex},"),
        "v2=abc",
        "=",
    ];
    check(sample::pagerduty, "X-PagerDuty-Signature", &lists);
    let prefixed = format!("sha256={hex}");
    check(
        sample::grafana,
        "X-Grafana-Alerting-Signature",
        &[&prefixed, &upper, ""],
    );
    let codes = ["", "RSOYDt4T1cUTdK1PDd93/VVr8B8", "AAAA", &format!("{code}=")];
    check(sample::twilio_form, "X-Twilio-Signature", &codes);
    let tokens = [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "alertmanager-7c1f",
        "Bearer a b",
    ];
    check(sample::bearer, "Authorization", &tokens);
    let settings = ["algorithm=HMAC_MD5", "algorithm=", "key=1, algorithm=hmac_sha256"];
    check(
        sample::twilio_shared_key,
        "X-Twilio-Webhooks-Signature-Settings",
        &settings,
    );
}

#[test]
fn a_header_that_is_no_text_is_refused() {
    for sample in all() {
        for name in needed(&sample) {
            for byte in [0u8, b'\n', 0x7f, 0x80, 0xff] {
                let mut odd = sample.clone();
                odd.header(&name).push(byte);
                assert_eq!(odd.outcome(), "webhook_header_invalid", "{} {name}", sample.name);
            }
        }
    }
}

#[test]
fn the_scheme_of_a_bearer_token_is_read_in_any_case() {
    for value in ["bearer alertmanager-7c1f", "BEARER   alertmanager-7c1f"] {
        assert_eq!(
            sample::bearer().set("Authorization", value).check(),
            Ok(()),
            "{value}"
        );
    }
    for value in [
        "Bearer alertmanager-7c1",
        "Bearer alertmanager-7c1ff",
        "Bearer Alertmanager-7c1f",
    ] {
        let wrong = sample::bearer().set("Authorization", value);
        assert_eq!(wrong.outcome(), "webhook_signature_wrong", "{value}");
    }
}

#[test]
fn what_is_larger_than_any_sender_sends_is_refused() {
    let mut large = sample::github();
    large.body = vec![b'a'; MAX_BODY_BYTES + 1];
    assert_eq!(large.outcome(), "webhook_too_large", "the body");
    large.body.pop();
    assert_eq!(
        large.outcome(),
        "webhook_signature_wrong",
        "the largest body is read"
    );
    let far = format!("https://mycompany.com/{}", "a".repeat(MAX_URL_BYTES));
    assert_eq!(
        sample::github().url(&far).outcome(),
        "webhook_too_large",
        "the address"
    );
    let mut many = sample::github();
    while many.headers.len() < MAX_HEADERS {
        many = many.with("X-Other", "1");
    }
    assert_eq!(many.check(), Ok(()), "others don't matter");
    assert_eq!(
        many.with("X-Other", "1").outcome(),
        "webhook_too_large",
        "headers"
    );
    for sample in all() {
        for name in needed(&sample) {
            let long = sample.clone().set(&name, &"a".repeat(MAX_VALUE_BYTES + 1));
            assert_eq!(long.outcome(), "webhook_too_large", "{} {name}", sample.name);
        }
    }
    let entry = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let list = vec![entry; 17].join(" ");
    let many = sample::standard_webhooks().set("webhook-signature", &list);
    assert_eq!(many.outcome(), "webhook_too_large", "signatures");
    let list = vec!["v2=1"; 17].join(",");
    let many = sample::pagerduty().set("X-PagerDuty-Signature", &list);
    assert_eq!(many.outcome(), "webhook_too_large", "signatures");
}
