"""Webhooks signed by slack-sdk, twilio and standardwebhooks, as they are and spoilt, each with the SDK's own
verdict. Prints a list of {scheme, name, secret, url, headers, body (hex), now_ms, accepted}."""

import base64
import json
import random
import urllib.parse
from datetime import datetime, timedelta, timezone

import standardwebhooks.webhooks as standard
from slack_sdk.signature import Clock, SignatureVerifier
from twilio.request_validator import RequestValidator, get_signature_algorithm

chance = random.Random(20261121)
cases = []
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
OFF_MS = [0, 1, -1, 299_999, 300_000, 300_001, -300_000, -300_001, 86_400_000]
LETTERS = "abcXYZ019 &=+%./?#-_~\"'{}:,\u00e4\u00df\u20ac\u6f22\U0001f600"


def text(most):
    return "".join(chance.choice(LETTERS) for _ in range(chance.randint(0, most)))


def add(scheme, name, secret, headers, body, verdict, url="https://agentops.example/in", now_ms=0):
    try:
        accepted = bool(verdict())
    except (standard.WebhookVerificationError, ValueError):
        accepted = False
    cases.append({
        "scheme": scheme, "name": name, "secret": secret, "url": url, "headers": headers,
        "body": body.encode().hex(), "now_ms": now_ms, "accepted": accepted,
    })


def spoilt(value, first=0):
    """The same text with one letter or digit changed, so that no reader can take it for the same."""
    at = chance.choice([i for i in range(first, len(value) - 3) if value[i].isalnum()])
    return value[:at] + ("7" if value[at] != "7" else "8") + value[at + 1:]


class At(Clock):
    def __init__(self, now_ms):
        self.now_ms = now_ms

    def now(self):
        return self.now_ms / 1000


def slack(name, secret, body, headers, now_ms):
    add("slack", name, secret, headers, body, now_ms=now_ms,
        verdict=lambda: SignatureVerifier(secret, At(now_ms)).is_valid_request(body, headers))


for _ in range(30):
    secret, body, sent = text(20) + "s", text(300), chance.randint(1_500_000_000, 1_900_000_000)
    signature = SignatureVerifier(secret).generate_signature(timestamp=str(sent), body=body)
    headers = {"X-Slack-Request-Timestamp": str(sent), "X-Slack-Signature": signature}
    for off in OFF_MS:
        slack(f"{off} ms off", secret, body, headers, sent * 1000 + off)
    slack("another body", secret, body + "x", headers, sent * 1000)
    slack("another secret", secret + "x", body, headers, sent * 1000)
    slack("another signature", secret, body, headers | {"X-Slack-Signature": spoilt(signature, 3)}, sent * 1000)
    slack("another time", secret, body, headers | {"X-Slack-Request-Timestamp": str(sent + 1)}, sent * 1000)
    slack("no time", secret, body, {"X-Slack-Signature": signature}, sent * 1000)
    slack("no signature", secret, body, {"X-Slack-Request-Timestamp": str(sent)}, sent * 1000)


def standard_webhooks(name, secret, body, headers, now_ms):
    class Stopped(datetime):
        @classmethod
        def now(cls, tz=None):
            return EPOCH + timedelta(milliseconds=now_ms)

    def verdict():
        standard.datetime = Stopped
        try:
            standard.Webhook(secret).verify(body, headers, json_parse=False)
        finally:
            standard.datetime = datetime
        return True

    add("standard_webhooks", name, secret, headers, body, verdict, now_ms=now_ms)


def handed_out():
    return "whsec_" + base64.b64encode(chance.randbytes(chance.randint(24, 64))).decode()


for _ in range(30):
    secret, old, body, sent = handed_out(), handed_out(), text(300), chance.randint(1_500_000_000, 1_900_000_000)
    ident, when = f"msg_{chance.randrange(10**9)}", EPOCH + timedelta(seconds=sent)
    signature = standard.Webhook(secret).sign(ident, when, body)
    headers = {"webhook-id": ident, "webhook-timestamp": str(sent), "webhook-signature": signature}
    for off in OFF_MS:
        standard_webhooks(f"{off} ms off", secret, body, headers, sent * 1000 + off)
    both = standard.Webhook(old).sign(ident, when, body) + " " + signature
    rotating = headers | {"webhook-signature": both}
    standard_webhooks("two signatures, new secret", secret, body, rotating, sent * 1000)
    standard_webhooks("two signatures, old secret", old, body, rotating, sent * 1000)
    other = headers | {"webhook-signature": "v1a,AAAA " + signature}
    standard_webhooks("another version before it", secret, body, other, sent * 1000)
    standard_webhooks("another version only", secret, body, headers | {"webhook-signature": "v2,AAAA"}, sent * 1000)
    standard_webhooks("without the prefix", secret.removeprefix("whsec_"), body, headers, sent * 1000)
    standard_webhooks("without padding", secret.rstrip("="), body, headers, sent * 1000)
    standard_webhooks("another secret", old, body, headers, sent * 1000)
    standard_webhooks("another body", secret, body + " ", headers, sent * 1000)
    standard_webhooks("another id", secret, body, headers | {"webhook-id": ident + "1"}, sent * 1000)
    later = headers | {"webhook-timestamp": str(sent + 1)}
    standard_webhooks("another time", secret, body, later, sent * 1000)
    changed = headers | {"webhook-signature": spoilt(signature, 3)}
    standard_webhooks("another signature", secret, body, changed, sent * 1000)
    for gone in headers:
        rest = {name: value for name, value in headers.items() if name != gone}
        standard_webhooks(f"no {gone}", secret, body, rest, sent * 1000)


class Form(dict):
    def getall(self, name):
        return self[name]


def form_of(pairs):
    form = Form()
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    return form


def twilio(name, token, url, pairs, signature, settings=None):
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
    if settings:
        headers["X-Twilio-Webhooks-Signature-Settings"] = settings
    algorithm = get_signature_algorithm(settings)
    add("twilio", name, token, headers, urllib.parse.urlencode(pairs), url=url,
        verdict=lambda: RequestValidator(token).validate(url, form_of(pairs), signature, algorithm))


def twilio_json(name, token, url, body, signature):
    headers = {"Content-Type": "application/json", "X-Twilio-Signature": signature}
    add("twilio", name, token, headers, body, url=url,
        verdict=lambda: RequestValidator(token).validate(url, body, signature))


for _ in range(30):
    token, host = text(20) + "t", f"{chance.choice(['http', 'https'])}://host{chance.randrange(9)}.example"
    tail = chance.choice(["", "/", "/sms", "/sms?foo=1&bar=%C3%A4", "/a/b?c", "/it's?x=(1)"])
    pairs = [(text(6) + "n", text(30)) for _ in range(chance.randint(0, 12))]
    pairs += [(chance.choice(pairs)[0], text(5)) for _ in range(3) if pairs]
    pairs += pairs[:2]
    for settings in [None, "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256", "key=1, algorithm=HMAC_SHA1"]:
        algorithm = get_signature_algorithm(settings)
        for signed in ["", ":443" if host.startswith("https") else ":80", ":8443"]:
            signature = RequestValidator(token).compute_signature(host + signed + tail, form_of(pairs), algorithm)
            for asked in ["", ":443", ":80", ":8443"]:
                shuffled = chance.sample(pairs, len(pairs))
                name = f"signed with '{signed}', asked with '{asked}'"
                twilio(name, token, host + asked + tail, shuffled, signature, settings)
        signature = RequestValidator(token).compute_signature(host + tail, form_of(pairs), algorithm)
        url = host + tail
        twilio("another secret", token + "x", url, pairs, signature, settings)
        twilio("another address", token, url + "x", pairs, signature, settings)
        twilio("one more parameter", token, url, pairs + [("New", "1")], signature, settings)
        twilio("one more value", token, url, pairs + [(n, v + "x") for n, v in pairs[:1]], signature, settings)
        twilio("another signature", token, url, pairs, spoilt(signature), settings)
    twilio("an unknown hash", token, url, pairs, signature, "algorithm=HMAC_MD5")
    body = text(200) + "{}"
    url = f"{host}/json?a=b&bodySHA256={RequestValidator(token).compute_hash(body)}"
    signature = RequestValidator(token).compute_signature(url, {})
    twilio_json("a body by its digest", token, url, body, signature)
    twilio_json("another body by its digest", token, url, body + " ", signature)
    twilio_json("another digest", token, spoilt(url, url.index("256=") + 4), body, signature)

print(json.dumps(cases))
