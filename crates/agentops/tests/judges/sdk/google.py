"""A round trip by Google's SDK: sign in by refresh token, upload, find, share, read back."""

import io
import json
import sys

import google_auth_httplib2
import httplib2
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaIoBaseUpload

told = json.loads(sys.argv[1])
secrets = told["secrets"]
document = json.loads(get_static_doc("drive", "v3"))
document["rootUrl"] = told["url"] + "/"
document["baseUrl"] = document["rootUrl"] + document["servicePath"]
credentials = Credentials(
    token=None,
    refresh_token=secrets["refresh_token"],
    token_uri=told["url"] + "/token",
    client_id=secrets["client_id"],
    client_secret=secrets["client_secret"],
)
http = google_auth_httplib2.AuthorizedHttp(credentials, http=httplib2.Http(ca_certs=told["ca"]))
drive = build_from_document(document, http=http)
assert drive.about().get(fields="user").execute()["user"]["emailAddress"]
media = MediaIoBaseUpload(io.BytesIO(b"hello"), mimetype="text/plain")
metadata = {"name": "from-sdk.txt", "appProperties": {"round": "trip"}}
made = drive.files().create(body=metadata, media_body=media, fields="id,size,webViewLink").execute()
assert made["size"] == "5", made
query = "appProperties has { key='round' and value='trip' } and trashed = false"
found = drive.files().list(q=query, fields="files(id,name)").execute()
assert found["files"] == [{"id": made["id"], "name": "from-sdk.txt"}], found
permission = {"type": "anyone", "role": "reader"}
shared = drive.permissions().create(fileId=made["id"], body=permission).execute()
assert shared["role"] == "reader", shared
assert drive.files().get_media(fileId=made["id"]).execute() == b"hello"
try:
    drive.files().get(fileId="nobody").execute()
except HttpError as error:
    assert error.resp.status == 404 and error.error_details[0]["reason"] == "notFound", error
else:
    raise SystemExit("a file that isn't there was found")
print(json.dumps({"id": made["id"]}))
