"""AWS profiles of every kind that people have, made for tests: keys, a process, a role, SSO."""

import hashlib
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

START_URL = "https://example.awsapps.com/start"
#: The access key that each profile ends in; that of a role is made up by STS.
KEYS = {"keys": "AKIAKEYS", "process": "AKIAPROCESS", "sso": "ASIASSO", "role": ""}
CONFIG = """
[profile keys]
aws_access_key_id = AKIAKEYS
aws_secret_access_key = secret
[profile process]
credential_process = {python} {script}
[profile role]
role_arn = arn:aws:iam::123456789012:role/reader
source_profile = keys
[profile sso]
sso_start_url = {start_url}
sso_region = us-east-1
sso_account_id = 123456789012
sso_role_name = reader
"""


class Portal(BaseHTTPRequestHandler):
    """SSO's portal, that gives the keys of a role to whoever has signed in."""

    def do_GET(self) -> None:
        is_signed_in = self.headers.get("x-amz-sso_bearer_token") == "token"
        keys = {"accessKeyId": "ASIASSO", "secretAccessKey": "secret", "sessionToken": "session"}
        answer = {"roleCredentials": {**keys, "expiration": 4_000_000_000_000}} if is_signed_in else {"message": "no"}
        content = json.dumps(answer).encode()
        self.send_response(200 if is_signed_in else 401)
        if not is_signed_in:
            self.send_header("x-amzn-ErrorType", "UnauthorizedException")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        return None


@contextmanager
def home_with_profiles(
    folder: Path, sts_url: str, *, signed_in_until: str = "2099-01-01T00:00:00Z"
) -> Iterator[dict[str, str]]:
    """A home folder with the profiles; gives the environment in which they are found."""
    script = folder / "keys.py"
    told = {"Version": 1, "AccessKeyId": "AKIAPROCESS", "SecretAccessKey": "secret"}
    script.write_text(f"print('''{json.dumps(told)}''')")
    cache = folder / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    token = {"startUrl": START_URL, "region": "us-east-1", "accessToken": "token", "expiresAt": signed_in_until}
    (cache / f"{hashlib.sha1(START_URL.encode(), usedforsecurity=False).hexdigest()}.json").write_text(
        json.dumps(token)
    )
    config = folder / ".aws" / "config"
    config.write_text(CONFIG.format(python=sys.executable, script=script, start_url=START_URL))
    portal = ThreadingHTTPServer(("127.0.0.1", 0), Portal)
    thread = threading.Thread(target=portal.serve_forever, daemon=True)
    thread.start()
    try:
        yield {
            "HOME": str(folder),
            "AWS_CONFIG_FILE": str(config),
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "none"),
            "AWS_ENDPOINT_URL_STS": sts_url,
            "AWS_ENDPOINT_URL_SSO": f"http://127.0.0.1:{portal.server_address[1]}",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
    finally:
        portal.shutdown()
        portal.server_close()
        thread.join()
