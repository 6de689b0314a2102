"""What slack-sdk sends to post a message, with all that it takes and with the least."""

import json
import sys

from slack_sdk import WebClient

told = json.loads(sys.argv[1])
token, channel = told["secrets"]["token"], told["things"]["channel"]


def at(label):
    return WebClient(token=token, base_url=f"{told['url']}/~{label}{told['prefix']}/api/")


posted = at("post.least").chat_postMessage(channel=channel, text="a")
at("post.most").chat_postMessage(
    channel=channel,
    text="a",
    as_user=False,
    attachments=[],
    blocks=[],
    thread_ts=posted["ts"],
    reply_broadcast=False,
    unfurl_links=False,
    unfurl_media=False,
    container_id="c",
    icon_emoji=":wave:",
    icon_url="https://avops.example/i.png",
    mrkdwn=True,
    link_names=True,
    username="u",
    parse="none",
    metadata={"event_type": "agentops", "event_payload": {"key": "k"}},
    markdown_text="",
)
print(json.dumps({"base": WebClient.BASE_URL}))
