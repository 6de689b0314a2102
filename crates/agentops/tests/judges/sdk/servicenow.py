"""A round trip by pysnc: insert, read, change, query."""

import json
import sys

from pysnc import ServiceNowClient

told = json.loads(sys.argv[1])
secrets = told["secrets"]
client = ServiceNowClient(told["url"], (secrets["user"], secrets["password"]), verify=told["ca"])
record = client.GlideRecord("incident")
record.initialize()
record.short_description = "From the SDK"
record.urgency = "2"
sys_id = record.insert()
assert sys_id, "not inserted"
again = client.GlideRecord("incident")
assert again.get(str(sys_id)), "not found"
again.urgency = "1"
assert again.update(), "not changed"
found = client.GlideRecord("incident")
found.add_query("short_description", "From the SDK")
found.query()
assert len(found) == 1, len(found)
assert [str(one.sys_id) for one in found] == [str(sys_id)]
print(json.dumps({"sys_id": str(sys_id)}))
