//! Secrets: several at a time while one replaces another, and those that can't be used.

use gateway::signature::{MAX_SECRET_BYTES, MAX_SECRETS, Refused, Scheme, Verifier};

use crate::sample::{self, PAGERDUTY_BY_OLD_SECRET, all};

/// Fits every scheme's form of a secret, and none of the samples.
const OTHER: &[u8] = b"c29tZXRoaW5nIGVsc2U=";

#[test]
fn any_one_of_the_secrets_will_do() {
    for sample in all() {
        let right = sample.secrets[0].clone();
        for secrets in [
            vec![OTHER.to_vec(), right.clone()],
            vec![right.clone(), OTHER.to_vec()],
            vec![OTHER.to_vec(), OTHER.to_vec(), OTHER.to_vec(), right],
        ] {
            let mut rotating = sample.clone();
            rotating.secrets = secrets;
            assert_eq!(rotating.check(), Ok(()), "{}", sample.name);
        }
        let mut wrong = sample.clone();
        wrong.secrets = vec![OTHER.to_vec(), OTHER.to_vec()];
        assert_eq!(wrong.outcome(), "webhook_signature_wrong", "{}", sample.name);
    }
}

#[test]
fn a_sender_that_signs_with_two_secrets_is_believed_for_either() {
    let by_new = String::from_utf8(sample::pagerduty().header("X-PagerDuty-Signature").clone());
    let by_new = by_new.expect("the sample is ASCII");
    for list in [
        format!("{by_new},{PAGERDUTY_BY_OLD_SECRET}"),
        format!("{PAGERDUTY_BY_OLD_SECRET}, {by_new}"),
        format!("v2=whatever,{PAGERDUTY_BY_OLD_SECRET},{by_new}"),
    ] {
        let both = sample::pagerduty().set("X-PagerDuty-Signature", &list);
        for secret in ["pd-old-secret", "pd-new-secret"] {
            assert_eq!(
                both.clone().secrets(&[secret]).check(),
                Ok(()),
                "{secret}: {list}"
            );
        }
        let neither = both.secrets(&["pd-third-secret"]);
        assert_eq!(neither.outcome(), "webhook_signature_wrong", "{list}");
    }
    let standard = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    let other = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let asymmetric =
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";
    for list in [
        format!("{other} {standard}"),
        format!("{standard} {other}"),
        format!("{asymmetric} {standard}"),
    ] {
        let both = sample::standard_webhooks().set("webhook-signature", &list);
        assert_eq!(both.check(), Ok(()), "{list}");
    }
    let none = sample::standard_webhooks().set("webhook-signature", asymmetric);
    assert_eq!(none.outcome(), "webhook_header_invalid");
}

#[test]
fn secrets_that_cannot_be_used_are_told_before_any_request() {
    let code = |scheme: Scheme, secrets: &[&[u8]]| Verifier::new(scheme, secrets).err().map(|e| e.code());
    let unusable = Some("webhook_secret_invalid");
    assert_eq!(code(Scheme::GitHub, &[]), unusable, "none");
    assert_eq!(code(Scheme::GitHub, &[b"a", b""]), unusable, "an empty one");
    assert_eq!(code(Scheme::GitHub, &[&[b'a'; MAX_SECRET_BYTES]]), None);
    assert_eq!(code(Scheme::GitHub, &[&[b'a'; MAX_SECRET_BYTES + 1]]), unusable);
    assert_eq!(code(Scheme::GitHub, &[b"a" as &[u8]; MAX_SECRETS]), None);
    assert_eq!(code(Scheme::GitHub, &[b"a" as &[u8]; MAX_SECRETS + 1]), unusable);
    let standard = Scheme::StandardWebhooks;
    for wrong in ["whsec_", "whsec_%%%", "whpk_MfKQ9r8GKYqrTwjU", "whsec_whsec_AAAA"] {
        assert_eq!(code(standard.clone(), &[wrong.as_bytes()]), unusable, "{wrong}");
    }
    let one_wrong: [&[u8]; 2] = [b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b"whsec_!"];
    assert_eq!(
        code(standard.clone(), &one_wrong),
        unusable,
        "one of two is told too"
    );
    // With and without its prefix and its padding.
    for right in [
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_c2VjcmV0IQ",
        "whsec_c2VjcmV0IQ==",
    ] {
        assert_eq!(code(standard.clone(), &[right.as_bytes()]), None, "{right}");
    }
}

#[test]
fn nothing_that_is_shown_holds_a_secret_or_a_signature() {
    for sample in all() {
        let secret = String::from_utf8(sample.secrets[0].clone()).expect("the samples are ASCII");
        let verifier = Verifier::new(sample.scheme.clone(), &sample.secrets).expect("it can be used");
        assert!(!format!("{verifier:?}").contains(&secret), "{}", sample.name);
        let mut wrong = sample.clone();
        wrong.secrets = vec![OTHER.to_vec()];
        let refused = wrong.check().expect_err("it is another secret");
        let shown = format!(
            "{refused} {refused:?} {:?}",
            types::Failure::from(refused.clone())
        );
        for (name, value) in &sample.headers {
            let value = String::from_utf8_lossy(value);
            assert!(!shown.contains(value.as_ref()), "{}: {name}", sample.name);
        }
    }
}

#[test]
fn every_reason_has_a_registered_code() {
    let header = || "X".to_owned();
    for refused in [
        Refused::HeaderMissing { header: header() },
        Refused::HeaderRepeated { header: header() },
        Refused::HeaderInvalid {
            header: header(),
            why: "w",
        },
        Refused::SignatureWrong {
            header: header(),
            secrets: 1,
        },
        Refused::TimeOff {
            header: header(),
            seconds: 301,
            late: true,
            most: 300,
        },
        Refused::BodyUnsigned,
        Refused::BodyChanged,
        Refused::TooLarge { what: "w", most: 1 },
        Refused::SecretInvalid { why: "w" },
    ] {
        assert!(types::CODES.contains(&refused.code()), "{refused:?}");
        assert_eq!(types::Failure::from(refused.clone()).code, refused.code());
    }
}
