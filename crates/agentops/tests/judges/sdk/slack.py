"""A round trip by slack-sdk: who am I, list, post, answer in a thread, read."""

import json
import ssl
import sys

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

told = json.loads(sys.argv[1])
client = WebClient(
    token=told["secrets"]["token"],
    base_url=told["url"] + "/api/",
    ssl=ssl.create_default_context(cafile=told["ca"]),
)
assert client.auth_test()["user"] == "agentops"
names = {one["name"]: one["id"] for page in client.conversations_list(limit=2) for one in page["channels"]}
assert "avops" in names, names
posted = client.chat_postMessage(channel="#avops", text="hello")
client.chat_postMessage(channel=names["avops"], text="again", thread_ts=posted["ts"])
history = client.conversations_history(channel=names["avops"])
replies = client.conversations_replies(channel=names["avops"], ts=posted["ts"])
assert [one["text"] for one in replies["messages"]] == ["hello", "again"], replies.data
assert client.chat_getPermalink(channel=posted["channel"], message_ts=posted["ts"])["permalink"]
try:
    client.chat_postMessage(channel="#nowhere", text="x")
except SlackApiError as error:
    assert error.response["error"] == "channel_not_found", error
else:
    raise SystemExit("a channel that isn't there was found")
print(json.dumps({"texts": [one["text"] for one in history["messages"]]}))
