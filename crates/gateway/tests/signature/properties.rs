//! Whatever is changed in a signed request makes it refused, and no bytes make the checks panic.

use gateway::signature::{GrafanaHeaders, Request, Scheme, Verifier};
use proptest::prelude::*;
use types::Timestamp;

use crate::sample::{self, Sample, all};

/// From where on every byte of a header counts: the word before a token is read in any case, and a
/// key's name is for people.
fn counted_from(name: &str, value: &[u8]) -> Option<usize> {
    let place = |needle: &[u8]| value.windows(needle.len()).position(|part| part == needle);
    match name {
        "Content-Type" => None,
        "Authorization" => place(b"alertmanager"),
        "X-Twilio-Webhooks-Signature-Settings" => place(b",algorithm"),
        _ => Some(0),
    }
}

/// Bytes of a form that stand for themselves, so that another letter is another value.
fn plain_places(body: &[u8]) -> Vec<usize> {
    let escaped = |at: usize| (1..=2).any(|back| at >= back && body[at - back] == b'%');
    let plain = |at: &usize| body[*at].is_ascii_alphanumeric() && !escaped(*at);
    (0..body.len()).filter(plain).collect()
}

fn any_sample() -> impl Strategy<Value = Sample> {
    proptest::sample::select(all())
}

fn another_letter(old: u8, wish: usize) -> u8 {
    let letters = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let others: Vec<u8> = letters.iter().copied().filter(|letter| *letter != old).collect();
    others[wish % others.len()]
}

proptest! {
    #[test]
    fn a_changed_byte_of_the_body_is_refused(sample in any_sample(), at: prop::sample::Index, mask in 1u8..) {
        // A token says nothing of the body; a form is looked at below.
        prop_assume!(sample.scheme != Scheme::BearerToken);
        prop_assume!(!["twilio form", "twilio shared key"].contains(&sample.name));
        let mut changed = sample;
        let at = at.index(changed.body.len());
        changed.body[at] ^= mask;
        prop_assert_eq!(changed.outcome(), "webhook_signature_wrong", "{}", changed.name);
    }

    #[test]
    fn a_changed_letter_of_a_form_is_refused(at: prop::sample::Index, wish: usize) {
        let mut changed = sample::twilio_form();
        let at = *at.get(&plain_places(&changed.body));
        changed.body[at] = another_letter(changed.body[at], wish);
        prop_assert_eq!(changed.outcome(), "webhook_signature_wrong");
    }

    #[test]
    fn a_changed_byte_of_a_header_is_refused(
        sample in any_sample(),
        which: prop::sample::Index,
        at: prop::sample::Index,
        mask in 1u8..,
    ) {
        let mut changed = sample;
        let which = which.index(changed.headers.len());
        let (name, value) = &mut changed.headers[which];
        let from = counted_from(name, value);
        prop_assume!(from.is_some());
        let from = from.unwrap_or_default();
        let at = from + at.index(value.len() - from);
        value[at] ^= mask;
        prop_assert!(changed.check().is_err(), "{} {:?}", changed.name, changed.headers[which]);
    }

    #[test]
    fn a_changed_byte_of_a_secret_is_refused(sample in any_sample(), at: prop::sample::Index, mask in 1u8..) {
        let mut changed = sample;
        let at = at.index(changed.secrets[0].len());
        changed.secrets[0][at] ^= mask;
        prop_assert!(changed.check().is_err(), "{}", changed.name);
    }

    #[test]
    fn a_changed_time_is_refused(
        sample in proptest::sample::select(vec![
            ("X-Slack-Request-Timestamp", sample::slack()),
            ("webhook-timestamp", sample::standard_webhooks()),
            ("X-Grafana-Time", sample::grafana_with_time()),
        ]),
        off in prop_oneof![-100_000i64..0, 1i64..100_000],
    ) {
        let (header, mut changed) = sample;
        let sent = changed.now_ms / 1000 + off;
        *changed.header(header) = sent.to_string().into_bytes();
        // Inside the window it is the signature that doesn't fit, outside it is the time.
        let expected = if off.abs() <= 300 { "webhook_signature_wrong" } else { "webhook_time_off" };
        prop_assert_eq!(changed.outcome(), expected, "{} {}", changed.name, off);
    }

    #[test]
    fn a_changed_letter_of_a_signed_address_is_refused(
        sample in proptest::sample::select(vec![sample::twilio_form(), sample::twilio_json()]),
        at: prop::sample::Index,
        letter in b'!'..=b'~',
    ) {
        let mut url = sample.url.clone().into_bytes();
        let at = at.index(url.len());
        prop_assume!(url[at] != letter);
        url[at] = letter;
        let changed = sample.url(&String::from_utf8(url).expect("it stays ASCII"));
        prop_assert!(changed.check().is_err(), "{}", changed.url);
    }

    #[test]
    fn the_order_of_a_forms_parameters_does_not_matter(
        order in Just((0..5).collect::<Vec<usize>>()).prop_shuffle(),
    ) {
        let body = String::from_utf8(sample::twilio_form().body).expect("the sample is text");
        let pairs: Vec<&str> = body.split('&').collect();
        let shuffled: Vec<&str> = order.iter().map(|at| pairs[*at]).collect();
        prop_assert_eq!(sample::twilio_form().body(&shuffled.join("&")).check(), Ok(()));
    }

    #[test]
    fn arbitrary_bytes_are_refused_and_never_panic(
        scheme in any_scheme(),
        url in prop_oneof![any::<String>(), "https?://[a-z@:\\[\\]?#/&=]{0,20}", Just(String::new())],
        headers in prop::collection::vec((any_name(), any_value()), 0..8),
        body in any_body(),
        now_ms: i64,
    ) {
        let verifier = Verifier::new(scheme, ["c2VjcmV0IQ=="]).expect("it can be used");
        let headers: Vec<(&str, &[u8])> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        let request = Request { url: &url, headers: &headers, body: &body };
        prop_assert!(verifier.check(&request, Timestamp::from_millis(now_ms)).is_err());
    }

    #[test]
    fn arbitrary_secrets_are_taken_or_refused_and_never_panic(
        scheme in any_scheme(),
        secrets in prop::collection::vec(any::<Vec<u8>>(), 0..6),
    ) {
        let usable = !secrets.is_empty() && secrets.len() <= 4 && secrets.iter().all(|one| !one.is_empty());
        let taken = Verifier::new(scheme.clone(), &secrets).is_ok();
        prop_assert!(!taken || usable);
        prop_assert!(taken || !usable || scheme == Scheme::StandardWebhooks);
    }
}

fn any_scheme() -> impl Strategy<Value = Scheme> {
    proptest::sample::select(vec![
        Scheme::GitHub,
        Scheme::Slack,
        Scheme::Twilio,
        Scheme::StandardWebhooks,
        Scheme::PagerDuty,
        Scheme::Grafana(GrafanaHeaders::default()),
        Scheme::Grafana(GrafanaHeaders {
            signature: "X-Hub-Signature-256".to_owned(),
            timestamp: Some("webhook-timestamp".to_owned()),
        }),
        Scheme::BearerToken,
    ])
}

/// Mostly names that some scheme reads.
fn any_name() -> impl Strategy<Value = String> {
    let known: Vec<String> = all()
        .into_iter()
        .flat_map(|sample| sample.headers)
        .map(|(name, _)| name)
        .collect();
    prop_oneof![8 => proptest::sample::select(known), 1 => any::<String>()]
}

/// Anything, and what nearly looks like a signature, a list of them, a time or a form.
fn any_value() -> impl Strategy<Value = Vec<u8>> {
    let near =
        "((v0=|v1=|v1,|sha256=|Bearer )?[0-9a-f]{0,3}([0-9a-f]{64}|[A-Za-z0-9+/]{27}=|[0-9]{10})[ ,]?){1,3}";
    let form = Just(b"application/x-www-form-urlencoded".to_vec());
    prop_oneof![any::<Vec<u8>>(), near.prop_map(String::into_bytes), form]
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<Vec<u8>>(),
        "[a-c%&=+0-9]{0,40}".prop_map(String::into_bytes)
    ]
}
