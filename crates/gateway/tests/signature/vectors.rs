//! What the vendors publish, and what openssl computes where they publish nothing, is accepted.

use crate::sample::{self, all};

#[test]
fn what_the_vendors_publish_is_accepted() {
    for sample in all() {
        assert_eq!(sample.check(), Ok(()), "{}", sample.name);
    }
}

#[test]
fn names_of_headers_are_read_in_any_case() {
    for mut sample in all() {
        for (name, _) in &mut sample.headers {
            *name = name.to_ascii_uppercase();
        }
        assert_eq!(sample.check(), Ok(()), "{} in upper case", sample.name);
        for (name, _) in &mut sample.headers {
            *name = name.to_ascii_lowercase();
        }
        assert_eq!(sample.check(), Ok(()), "{} in lower case", sample.name);
    }
}

#[test]
fn a_signature_of_one_scheme_is_none_of_another() {
    for sample in all() {
        for other in all() {
            let mut mixed = sample.clone();
            mixed.scheme = other.scheme;
            mixed.secrets = sample.secrets.clone();
            let same = sample.scheme == mixed.scheme;
            assert_eq!(mixed.check().is_ok(), same, "{} as {}", sample.name, other.name);
        }
    }
}

#[test]
fn a_body_need_not_be_utf_8() {
    // printf '\377\376\000hi' | openssl dgst -sha256 -hmac "It's a Secret to Everybody"
    let signature = "sha256=ae48bfee83df49f37a7c5b97eac2f44c14eeb18c95f79c7b5bc1be732105ca35";
    let mut raw = sample::github().set("X-Hub-Signature-256", signature);
    raw.body = b"\xff\xfe\x00hi".to_vec();
    assert_eq!(raw.check(), Ok(()));
    raw.body = b"\xff\xfd\x00hi".to_vec();
    assert_eq!(raw.outcome(), "webhook_signature_wrong");
}

#[test]
fn an_empty_body_is_signed_like_any_other() {
    // printf '' | openssl dgst -sha256 -hmac "It's a Secret to Everybody"
    let signature = "sha256=66a0c074deaa0f489ead6537e0d32f9a344b90bbeda705b6ed45ecd3b413fb40";
    let empty = sample::github().set("X-Hub-Signature-256", signature).body("");
    assert_eq!(empty.check(), Ok(()));
}
