//! Requests that are signed as their senders sign them, to be taken as they are or spoilt.

use gateway::signature::{GrafanaHeaders, Refused, Request, Scheme, Verifier};
use types::Timestamp;

/// A request, the secrets of its sender, and the time at which it comes in.
#[derive(Debug, Clone)]
pub struct Sample {
    pub name: &'static str,
    pub scheme: Scheme,
    pub secrets: Vec<Vec<u8>>,
    pub url: String,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
    pub now_ms: i64,
}

impl Sample {
    fn new(name: &'static str, scheme: Scheme, secret: &str, headers: &[(&str, &str)], body: &str) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), value.as_bytes().to_vec());
        Self {
            name,
            scheme,
            secrets: vec![secret.as_bytes().to_vec()],
            url: "https://agentops.example/hooks/in".to_owned(),
            headers: headers.iter().map(owned).collect(),
            body: body.as_bytes().to_vec(),
            now_ms: 1_800_000_000_000,
        }
    }

    fn at(mut self, seconds: i64) -> Self {
        self.now_ms = seconds * 1000;
        self
    }

    fn to(mut self, url: &str) -> Self {
        url.clone_into(&mut self.url);
        self
    }

    pub fn check(&self) -> Result<(), Refused> {
        let verifier = Verifier::new(self.scheme.clone(), &self.secrets)?;
        let headers: Vec<(&str, &[u8])> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
            .collect();
        let request = Request {
            url: &self.url,
            headers: &headers,
            body: &self.body,
        };
        verifier.check(&request, Timestamp::from_millis(self.now_ms))
    }

    /// The code of the refusal, or `accepted`.
    pub fn outcome(&self) -> &'static str {
        self.check()
            .map_or_else(|refused| refused.code(), |()| "accepted")
    }

    pub fn header(&mut self, name: &str) -> &mut Vec<u8> {
        let found = self.headers.iter_mut().find(|(given, _)| given == name);
        &mut found.expect("the sample has the header").1
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.as_bytes().to_vec()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(given, _)| given != name);
        self
    }

    pub fn set(mut self, name: &str, value: &str) -> Self {
        *self.header(name) = value.as_bytes().to_vec();
        self
    }

    pub fn body(mut self, body: &str) -> Self {
        self.body = body.as_bytes().to_vec();
        self
    }

    pub fn url(self, url: &str) -> Self {
        self.to(url)
    }

    pub fn secrets(mut self, secrets: &[&str]) -> Self {
        self.secrets = secrets.iter().map(|secret| secret.as_bytes().to_vec()).collect();
        self
    }
}

/// One good request of every kind.
pub fn all() -> Vec<Sample> {
    vec![
        github(),
        slack(),
        twilio_form(),
        twilio_json(),
        twilio_shared_key(),
        standard_webhooks(),
        pagerduty(),
        grafana(),
        grafana_with_time(),
        bearer(),
    ]
}

/// GitHub's own example:
/// <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>
pub fn github() -> Sample {
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    Sample::new(
        "github",
        Scheme::GitHub,
        "It's a Secret to Everybody",
        &[("X-Hub-Signature-256", signature)],
        "Hello, World!",
    )
}

/// Slack's own example: <https://docs.slack.dev/authentication/verifying-requests-from-slack>
pub fn slack() -> Sample {
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow\
        &channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner\
        &command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands\
        %2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN\
        &trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    Sample::new(
        "slack",
        Scheme::Slack,
        "8f742231b10e8888abcd99yyyzzz85a5",
        &[
            ("X-Slack-Request-Timestamp", "1531420618"),
            ("X-Slack-Signature", signature),
        ],
        body,
    )
    .at(1_531_420_618)
}

/// Twilio's own example: <https://www.twilio.com/docs/usage/webhooks/webhooks-security>
pub fn twilio_form() -> Sample {
    Sample::new(
        "twilio form",
        Scheme::Twilio,
        "12345",
        &[
            ("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"),
            ("X-Twilio-Signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ],
        "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212",
    )
    .to("https://mycompany.com/myapp.php?foo=1&bar=2")
}

/// The digest by `printf %s BODY | openssl dgst -sha256`, the signature by
/// `printf %s URL | openssl dgst -sha1 -hmac 12345 -binary | base64`.
pub fn twilio_json() -> Sample {
    Sample::new(
        "twilio json",
        Scheme::Twilio,
        "12345",
        &[
            ("Content-Type", "application/json"),
            ("X-Twilio-Signature", "aceH6g9hQtwfieFZBoRdX48flVQ="),
        ],
        r#"{"CallSid":"CA1234567890ABCDE"}"#,
    )
    .to(
        "https://mycompany.com/hook?bodySHA256=e852ec28d46c49841e1e6687b51c3dbf2b3da45f0b5f73184b3220daaa45ab3b",
    )
}

/// `printf %s https://mycompany.com/smsBodyhi | openssl dgst -sha256 -hmac shared-key -binary | base64`
pub fn twilio_shared_key() -> Sample {
    Sample::new(
        "twilio shared key",
        Scheme::Twilio,
        "shared-key",
        &[
            ("Content-Type", "application/x-www-form-urlencoded"),
            (
                "X-Twilio-Webhooks-Signature-Settings",
                "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256",
            ),
            (
                "X-Twilio-Signature",
                "bV0Y/D2MzZrYQ1+lZxVjDWrpaMxPz1HyfiGWRqNoGKQ=",
            ),
        ],
        "Body=hi",
    )
    .to("https://mycompany.com/sms")
}

/// The example of the reference libraries:
/// <https://github.com/standard-webhooks/standard-webhooks>
pub fn standard_webhooks() -> Sample {
    Sample::new(
        "standard webhooks",
        Scheme::StandardWebhooks,
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        &[
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            (
                "webhook-signature",
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
        ],
        r#"{"test": 2432232314}"#,
    )
    .at(1_614_265_330)
}

/// `printf %s BODY | openssl dgst -sha256 -hmac pd-new-secret`
pub fn pagerduty() -> Sample {
    let signature = "v1=671e955b722cc93a1de91910040a031d8870442e9e0f517c3b4ac44b4f56adcd";
    Sample::new(
        "pagerduty",
        Scheme::PagerDuty,
        "pd-new-secret",
        &[("X-PagerDuty-Signature", signature)],
        r#"{"event":{"id":"01BZ","event_type":"incident.triggered"}}"#,
    )
}

/// The same body by the secret that is on its way out:
/// `printf %s BODY | openssl dgst -sha256 -hmac pd-old-secret`
pub const PAGERDUTY_BY_OLD_SECRET: &str =
    "v1=21631241a7d72bd4e5dae42de7b2fae79854adcaaf995c337565432c6e8db2e4";

/// `printf %s BODY | openssl dgst -sha256 -hmac grafana-secret`
pub fn grafana() -> Sample {
    let signature = "388cc0a8a6027563c214e05923224e5ef27b5e54d3a97ec0c0f94d28dadfa8fc";
    Sample::new(
        "grafana",
        Scheme::Grafana(GrafanaHeaders::default()),
        "grafana-secret",
        &[("X-Grafana-Alerting-Signature", signature)],
        r#"{"status":"firing","version":"1"}"#,
    )
}

/// `printf %s 1700000000:BODY | openssl dgst -sha256 -hmac grafana-secret`
pub fn grafana_with_time() -> Sample {
    let headers = GrafanaHeaders {
        timestamp: Some("X-Grafana-Time".to_owned()),
        ..GrafanaHeaders::default()
    };
    let signature = "6567d46c1af358f1a319d9a55f57c6d8b0e7c2c66aaa908b00516380bf3b9d05";
    let mut sample = grafana()
        .set("X-Grafana-Alerting-Signature", signature)
        .with("X-Grafana-Time", "1700000000")
        .at(1_700_000_000);
    sample.name = "grafana with time";
    sample.scheme = Scheme::Grafana(headers);
    sample
}

/// Alertmanager with `authorization: { credentials: … }`.
pub fn bearer() -> Sample {
    Sample::new(
        "bearer",
        Scheme::BearerToken,
        "alertmanager-7c1f",
        &[("Authorization", "Bearer alertmanager-7c1f")],
        r#"{"version":"4","status":"firing"}"#,
    )
}
