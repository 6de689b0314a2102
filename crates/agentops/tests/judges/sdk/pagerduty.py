"""A round trip by the pagerduty SDK: trigger twice, acknowledge, resolve, and read the incident."""

import json
import ssl
import sys

from pagerduty import EventsApiV2Client, HttpError, RestApiV2Client

told = json.loads(sys.argv[1])
secrets = told["secrets"]
trust = ssl.create_default_context(cafile=told["ca"])
events = EventsApiV2Client(secrets["routing_key"], base_url=told["url"], verify=trust)
key = events.trigger("From the SDK", "sdk", severity="critical", custom_details={"room": "4A"})
assert events.trigger("From the SDK", "sdk", dedup_key=key) == key
events.acknowledge(key)
rest = RestApiV2Client(secrets["api_token"], base_url=told["url"], verify=trust)
incidents = rest.list_all("incidents")
assert [(one["incident_key"], one["status"]) for one in incidents] == [(key, "acknowledged")], incidents
assert rest.rget("/incidents/" + incidents[0]["id"])["title"] == "From the SDK"
events.resolve(key)
wrong = EventsApiV2Client("x" * 32, base_url=told["url"], verify=trust)
try:
    wrong.trigger("never", "sdk")
except HttpError as error:
    assert error.response.status_code == 400, error
else:
    raise SystemExit("a wrong routing key was taken")
print(json.dumps({"dedup_key": key}))
