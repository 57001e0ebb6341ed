"""Verifies what the service signed with a JOSE library that is not ours, by the record keys that the service serves:
a published statement on both databases, before and after the keys were rotated twice. One byte changed must not hold.

usage: python3 .ci/signatures.py BINARY        needs joserfc and PostgreSQL's server programs
"""

import base64
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from joserfc import jws
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet

ROOT = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "benches"))
sys.dont_write_bytecode = True
from service import JAKARTA, Postgres, Sqlite  # noqa: E402

PORT = 18591
ADDRESS = f"http://127.0.0.1:{PORT}"
P = f"/api/v1/programs/{JAKARTA}"


def ask(path, token=None, body=None, **headers):
    """The headers and the bytes of an answer."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if body is not None:
        headers["Content-Type"] = "application/json"
        body = json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(ADDRESS + path, body, headers)) as answer:
        return answer.headers, answer.read()


class Service:
    def __init__(self, binary, database, folder):
        self.binary, self.folder = binary, folder
        self.environment = os.environ | {
            "DATABASE_URL": database.url,
            "TANGGUH_LISTEN": f"127.0.0.1:{PORT}",
            "TANGGUH_SECRET": "only for the signatures, and long enough to be a secret",
        }

    def start(self, *options):
        with open(f"{self.folder}/log", "a") as log:
            self.process = subprocess.Popen(
                [self.binary, "serve", *options], env=self.environment, stdout=log, stderr=log, cwd=self.folder
            )
        for _ in range(300):
            try:
                return ask("/readyz")
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        sys.exit("signatures: the service does not start")

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def rotate(self):
        subprocess.run([self.binary, "keys", "rotate"], env=self.environment, check=True, stdout=subprocess.DEVNULL)


def publish(signs):
    """Publishes the demo's statement; answers the path of its edition."""
    account = json.loads(signs.read_text())["accounts"]["lead"]
    login = {"email": account["email"], "password": account["password"]}
    token = json.loads(ask("/api/v1/auth/login", body=login)[1])["access_token"]
    statement = json.loads(ask(f"{P}/statements?state=adopted", token)[1])["items"][0]
    path = f"{P}/statements/{statement['id']}"
    tag = ask(path, token)[0]["ETag"]
    published = json.loads(ask(f"{path}/publication", token, {"reason": "For all to verify."}, If_Match=tag)[1])
    return published["published"]["url"]


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def verify(edition):
    """Checks digest and signature of a published edition; answers how many record keys are served."""
    headers, text = ask(edition)
    digest = base64.b64encode(hashlib.sha256(text).digest()).decode()
    assert headers["Repr-Digest"] == f"sha-256=:{digest}:", headers["Repr-Digest"]
    served = json.loads(ask("/.well-known/record-keys.json")[1])
    keys = KeySet.import_key_set(served)
    head, payload, signature = ask(f"{edition}/signature", Accept="application/jose")[1].decode().split(".")
    assert payload == "", "the signature is not detached"
    told = jws.deserialize_compact(f"{head}.{base64url(text)}.{signature}", keys, algorithms=["EdDSA"])
    assert told.payload == text and told.protected["typ"] == "tangguh-statement+jws", told.protected
    forged = text.replace(b"Jakarta", b"Jakerta", 1)
    assert forged != text
    try:
        jws.deserialize_compact(f"{head}.{base64url(forged)}.{signature}", keys, algorithms=["EdDSA"])
    except BadSignatureError:
        return len(served["keys"])
    sys.exit("signatures: one byte was changed, and the signature still holds")


def main():
    binary = str(pathlib.Path(sys.argv[1]).resolve())
    for kind in [Sqlite, Postgres]:
        with tempfile.TemporaryDirectory(prefix="tangguh-signatures-", dir="/tmp") as folder:
            database = kind(folder)
            service = Service(binary, database, folder)
            signs = pathlib.Path(folder) / "sign-ins.json"
            try:
                service.start("--demo", "--demo-sign-ins", str(signs))
                edition = publish(signs)
                before = verify(edition)
                service.rotate()
                service.rotate()
                service.stop()
                service.start()
                after = verify(edition)
                assert after == before + 2, f"{before} record keys, and {after} after two rotations"
            finally:
                service.stop()
                database.stop()
        print(f"{kind.__name__}: the statement's signature holds, also after two rotations")


main()
