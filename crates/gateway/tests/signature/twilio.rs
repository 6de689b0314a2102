//! Twilio's address, forms and bodies.

use crate::sample::{self, Sample};

/// A form whose parameters come in another order than they are signed in, one of them twice:
/// `printf %s 'https://mycompany.com:443/smsBodyhi thereMediaUrl0aMediaUrl0b' |
/// openssl dgst -sha1 -hmac 12345 -binary | base64`
fn signed_with_port() -> Sample {
    sample::twilio_form()
        .set("X-Twilio-Signature", "CpJaEO+nuwzmRILUa7BROX0v7Sg=")
        .url("https://mycompany.com/sms")
        .body("MediaUrl0=b&Body=hi+there&MediaUrl0=a&MediaUrl0=b")
}

#[test]
fn the_address_is_tried_with_its_port_and_without() {
    let with_port = signed_with_port();
    let without = sample::twilio_form();
    for (sample, url, expected) in [
        (&with_port, "https://mycompany.com/sms", "accepted"),
        (&with_port, "https://mycompany.com:443/sms", "accepted"),
        (&with_port, "https://user:pass@mycompany.com/sms", "accepted"),
        (
            &with_port,
            "https://user:p@ss:1@mycompany.com:443/sms",
            "accepted",
        ),
        (
            &with_port,
            "http://mycompany.com:443/sms",
            "webhook_signature_wrong",
        ),
        (
            &with_port,
            "https://mycompany.com:8443/sms",
            "webhook_signature_wrong",
        ),
        (
            &with_port,
            "https://mycompany.com/sms/",
            "webhook_signature_wrong",
        ),
        (
            &without,
            "https://mycompany.com:443/myapp.php?foo=1&bar=2",
            "accepted",
        ),
        (
            &without,
            "https://mycompany.com:8443/myapp.php?foo=1&bar=2",
            "accepted",
        ),
        (
            &without,
            "https://mycompany.com/myapp.php?bar=2&foo=1",
            "webhook_signature_wrong",
        ),
        (
            &without,
            "https://mycompany.com/myapp.php",
            "webhook_signature_wrong",
        ),
        (&without, "mycompany.com/myapp.php", "webhook_signature_wrong"),
        (&without, "", "webhook_signature_wrong"),
    ] {
        assert_eq!(sample.clone().url(url).outcome(), expected, "{url}");
    }
}

#[test]
fn the_colons_of_an_ip_address_are_no_port() {
    // printf %s 'https://[::1]/sms' | openssl dgst -sha1 -hmac 12345 -binary | base64
    let sample = signed_with_port()
        .set("X-Twilio-Signature", "olvEz0iooEukQz6kzFJNUnlPI0A=")
        .body("");
    for url in ["https://[::1]/sms", "https://[::1]:8443/sms"] {
        assert_eq!(sample.clone().url(url).check(), Ok(()), "{url}");
    }
    let other = sample.url("https://[::2]/sms");
    assert_eq!(other.outcome(), "webhook_signature_wrong");
}

#[test]
fn repeated_names_are_signed_with_each_value_once() {
    let sample = signed_with_port();
    assert_eq!(sample.check(), Ok(()));
    for same in [
        "MediaUrl0=a&MediaUrl0=b&Body=hi%20there",
        "Body=hi+there&MediaUrl0=a&MediaUrl0=b&MediaUrl0=a&",
        "&Body=hi+there&&MediaUrl0=%61&MediaUrl0=b",
    ] {
        assert_eq!(sample.clone().body(same).check(), Ok(()), "{same}");
    }
    for other in [
        "MediaUrl0=a&Body=hi+there",
        "MediaUrl0=a&MediaUrl0=b&Body=hi%2Bthere",
        "MediaUrl0=a&MediaUrl0=b&MediaUrl0=c&Body=hi+there",
        "",
    ] {
        let refused = sample.clone().body(other);
        assert_eq!(refused.outcome(), "webhook_signature_wrong", "{other}");
    }
}

#[test]
fn parameters_that_nobody_announced_are_signed_too() {
    let body = String::from_utf8(sample::twilio_form().body).expect("the sample is text");
    let added = sample::twilio_form().body(&format!("{body}&AddOns=1"));
    assert_eq!(added.outcome(), "webhook_signature_wrong");
    // printf %s 'https://mycompany.com/myapp.php?foo=1&bar=2AddOns1CallSidCA1234567890ABCDE\
    // Caller+14158675309Digits1234From+14158675309To+18005551212' |
    // openssl dgst -sha1 -hmac 12345 -binary | base64
    let signed = added.set("X-Twilio-Signature", "oi6N0JEHY2qTQsgW4v9TLrZWrLQ=");
    assert_eq!(signed.check(), Ok(()));
}

#[test]
fn a_body_that_is_no_form_is_covered_by_its_digest() {
    let json = sample::twilio_json();
    for other in ["", "{}", r#"{"CallSid":"CA1234567890ABCDF"}"#] {
        let changed = json.clone().body(other);
        assert_eq!(changed.outcome(), "webhook_signature_wrong", "{other}");
    }
    let other = json.url.replace("e852ec", "e852ed");
    let changed = json.clone().url(&other);
    assert_eq!(changed.outcome(), "webhook_signature_wrong", "another digest");
    let gone = json.clone().url("https://mycompany.com/hook?a=b");
    assert_eq!(gone.outcome(), "webhook_body_unsigned");
    // The kind of a body isn't signed: changing it must not put the body out of the signature's reach.
    let form = sample::twilio_form().without("Content-Type");
    assert_eq!(form.outcome(), "webhook_body_unsigned");
    let form = sample::twilio_form().set("Content-Type", "text/plain");
    assert_eq!(form.outcome(), "webhook_body_unsigned");
    let form = json.set("Content-Type", "application/x-www-form-urlencoded");
    assert_eq!(form.outcome(), "webhook_signature_wrong");
}

#[test]
fn a_request_without_a_body_is_signed_by_its_address() {
    // printf %s 'https://mycompany.com/hook?a=b' | openssl dgst -sha1 -hmac 12345 -binary | base64
    let get = sample::twilio_json()
        .without("Content-Type")
        .set("X-Twilio-Signature", "XA5Dexoc60E/AxGFxa8+NUMEF14=")
        .url("https://mycompany.com/hook?a=b")
        .body("");
    assert_eq!(get.check(), Ok(()));
    let more = get.url("https://mycompany.com/hook?a=b&c=d");
    assert_eq!(more.outcome(), "webhook_signature_wrong");
}

#[test]
fn values_that_are_not_utf_8_never_read_alike() {
    // printf 'https://mycompany.com/smsBody\377' | openssl dgst -sha1 -hmac 12345 -binary | base64
    let sample = signed_with_port().set("X-Twilio-Signature", "cZcLbY9Nn7CYxggqhNOawYxyGk0=");
    assert_eq!(sample.clone().body("Body=%FF").check(), Ok(()));
    for other in ["Body=%FE", "Body=%EF%BF%BD", "Body=%C3%BF", "Body=%2"] {
        let refused = sample.clone().body(other);
        assert_eq!(refused.outcome(), "webhook_signature_wrong", "{other}");
    }
}

#[test]
fn the_hash_is_the_one_that_the_settings_name() {
    let shared = sample::twilio_shared_key();
    let settings = "X-Twilio-Webhooks-Signature-Settings";
    assert_eq!(
        shared.clone().without(settings).outcome(),
        "webhook_header_invalid"
    );
    let sha_1 = sample::twilio_form().with(settings, "key=1,algorithm=HMAC_SHA1");
    assert_eq!(sha_1.check(), Ok(()));
    let silent = sample::twilio_form().with(settings, "key=1");
    assert_eq!(silent.check(), Ok(()));
}

#[test]
fn a_form_of_more_parameters_than_any_is_refused() {
    let many = vec!["a=1"; gateway::signature::MAX_PARAMETERS + 1].join("&");
    let sample = signed_with_port().body(&many);
    assert_eq!(sample.outcome(), "webhook_too_large");
}
