"""What Google's SDK sends for a token. There is one way to ask for it, with nothing to leave out."""

import json
import sys

from google.auth.transport.requests import Request
from google.oauth2.credentials import _GOOGLE_OAUTH2_TOKEN_ENDPOINT, Credentials

told = json.loads(sys.argv[1])
secrets = told["secrets"]
for length in ["least", "most"]:
    Credentials(
        token=None,
        refresh_token=secrets["refresh_token"],
        token_uri=f"{told['url']}/~token.{length}{told['prefix']}/token",
        client_id=secrets["client_id"],
        client_secret=secrets["client_secret"],
    ).refresh(Request())
print(json.dumps({"token_url": _GOOGLE_OAUTH2_TOKEN_ENDPOINT}))
