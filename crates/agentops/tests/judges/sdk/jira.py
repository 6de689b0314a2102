"""A round trip by the jira SDK, REST API version 3: create, read, comment, move, search."""

import json
import sys

from jira import JIRA

told = json.loads(sys.argv[1])
secrets = told["secrets"]
site = JIRA(
    server=told["url"],
    basic_auth=(secrets["email"], secrets["token"]),
    options={"rest_api_version": "3", "verify": told["ca"]},
    max_retries=0,
)


def document(text):
    words = [{"type": "text", "text": text}]
    return {"version": 1, "type": "doc", "content": [{"type": "paragraph", "content": words}]}


assert site.myself()["displayName"] == "AgentOps"
issue = site.create_issue(
    fields={
        "project": {"key": "OPS"},
        "summary": "From the SDK",
        "issuetype": {"name": "Task"},
        "description": document("words"),
        "labels": ["sdk"],
    }
)
again = site.issue(issue.key)
assert again.fields.summary == "From the SDK", again.raw
assert again.fields.status.name == "To Do", again.raw
comment = site.add_comment(issue.key, document("said"))
assert comment.id in [known.id for known in site.comments(issue.key)]
names = [way["name"] for way in site.transitions(issue.key)]
assert "Done" in names, names
site.transition_issue(issue.key, "Done")
found = site.enhanced_search_issues("project = OPS AND labels = sdk", maxResults=10)
assert [known.key for known in found] == [issue.key], found
assert found[0].fields.status.name == "Done"
print(json.dumps({"key": issue.key}))
