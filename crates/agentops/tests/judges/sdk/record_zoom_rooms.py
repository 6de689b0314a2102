"""What zoomus, a package by other people than Zoom, sends for the requests about rooms that Zoom's own SDK
doesn't know. It takes its caller's word for every parameter, so it judges the rest: method, path, sign-in."""

import json
import sys

from zoomus import ZoomClient
from zoomus.client import API_BASE_URIS, OAUTH_URI
from zoomus.util import API_VERSION_2

told = json.loads(sys.argv[1])
secrets, room = told["secrets"], told["things"]["room"]
account = (secrets["client_id"], secrets["client_secret"], secrets["account_id"])


def at(label):
    base = f"{told['url']}/~{label}{told['prefix']}"
    token = f"{told['url']}/~page{told['prefix']}/oauth/token"
    return ZoomClient(*account, base_uri=f"{base}/v2", oauth_uri=token)


for length in ["least", "most"]:
    at(f"rooms.{length}").room.list()
    at(f"profile.{length}").room.get(id=room)
    at(f"devices.{length}").room.get_devices(id=room)
    at(f"settings.{length}").room.get_settings(id=room, setting_type="meeting")
    at(f"control.{length}").room.check_in_or_out(id=room, method="zoomroom.check_in")
print(json.dumps({"bases": [API_BASE_URIS[API_VERSION_2], OAUTH_URI]}))
