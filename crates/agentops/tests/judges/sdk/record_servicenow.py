"""What pysnc sends for each kind of call of our connector, with all that it takes and with the least."""

import json
import sys

from pysnc import ServiceNowClient
from requests.adapters import HTTPAdapter
from requests_oauthlib import OAuth2Session

told = json.loads(sys.argv[1])
secrets, things = told["secrets"], told["things"]
attached = things["attached"]
token = {"access_token": secrets["token"], "token_type": "Bearer"}


class Plain(HTTPAdapter):
    """The SDK insists on https, which the relay doesn't speak."""

    def send(self, request, **kwargs):
        request.url = request.url.replace("https:", "http:", 1)
        return super().send(request, **kwargs)


def at(label):
    base = f"{told['url'].replace('http:', 'https:')}/~{label}{told['prefix']}"
    session = OAuth2Session(token=token)
    session.mount("https://", Plain())
    return ServiceNowClient(base, session, auto_retry=False)


for length in ["least", "most"]:
    for table in [*things["changed"], *things["made"]]:
        made = at(f"create_{table}.{length}").GlideRecord(table)
        made.initialize()
        made.short_description = "From the SDK"
        assert made.insert(), table
        found = at(f"list_{table}.{length}").GlideRecord(table)
        found.add_query("short_description", "From the SDK")
        found.limit = 1
        found.query()
        assert len(found) > 0, table
    for table, sys_id in things["changed"].items():
        record = at("page").GlideRecord(table)
        assert record.get(sys_id), table
        record._client = at(f"change_{table}.{length}")
        record.short_description = f"Changed, {length}"
        assert record.update(), table
    api = at(f"attach.{length}").attachment_api
    kind = {"content_type": "text/plain"}
    api.upload_file("b.txt", attached["table_name"], attached["table_sys_id"], b"hello", **kind)
    files = at(f"attached.{length}").Attachment(attached["table_name"])
    files.add_query("file_name", "b.txt")
    files.query()
print(json.dumps({}))
