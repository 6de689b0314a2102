"""What the pagerduty SDK sends for each event of our connector, with all that it takes and with the least."""

import json
import sys

import httpx2
from pagerduty import EventsApiV2Client

told = json.loads(sys.argv[1])
KEY = told["secrets"]["routing_key"]


class Plain(httpx2.HTTPTransport):
    """The SDK insists on https, which the relay doesn't speak."""

    def handle_request(self, request):
        request.url = request.url.copy_with(scheme="http")
        return super().handle_request(request)


def at(label):
    base = f"{told['url'].replace('http:', 'https:')}/~{label}{told['prefix']}"
    return EventsApiV2Client(KEY, base_url=base, transport=Plain())


key = at("trigger.least").trigger("a", "b")
at("trigger.most").trigger(
    "a",
    "b",
    dedup_key=key,
    severity="error",
    payload={"timestamp": "2025-01-06T08:00:00Z", "component": "c", "group": "g", "class": "k"},
    custom_details={},
    images=[{"src": "https://avops.example/i.png", "href": "https://avops.example", "alt": "a"}],
    links=[{"href": "https://avops.example", "text": "t"}],
)
for name in ["acknowledge", "resolve"]:
    for length in ["least", "most"]:
        getattr(at(f"{name}.{length}"), name)(key)
print(json.dumps({"base": EventsApiV2Client(KEY).default_base_url}))
