"""A started service, on each database, for the checks that speak to it as a client would."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "benches"))
from service import JAKARTA, Postgres, Sqlite  # noqa: E402

PORT = 18591
ADDRESS = f"http://127.0.0.1:{PORT}"
P = f"/api/v1/programs/{JAKARTA}"


def ask(path, token=None, body=None, method=None, **headers):
    """The headers and the bytes of an answer."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if body is not None:
        headers["Content-Type"] = "application/json"
        body = json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(ADDRESS + path, body, headers, method=method)) as answer:
        return answer.headers, answer.read()


class Service:
    def __init__(self, binary, database, folder):
        self.binary, self.folder = binary, folder
        self.environment = os.environ | {
            "DATABASE_URL": database.url,
            "TANGGUH_LISTEN": f"127.0.0.1:{PORT}",
            "TANGGUH_SECRET": "only for these checks, and long enough to be a secret",
            # The demo's people have no app for codes, at a start without --demo either.
            "TANGGUH_SECOND_FACTOR": "none",
        }

    def run(self, *arguments):
        """A process of the binary."""
        with open(f"{self.folder}/log", "a") as log:
            return subprocess.Popen(
                [self.binary, *arguments], env=self.environment, stdout=log, stderr=log, cwd=self.folder
            )

    def start(self, *options):
        self.process = self.run("serve", *options)
        self.until_ready(ADDRESS)

    def until_ready(self, address):
        for _ in range(300):
            try:
                return urllib.request.urlopen(f"{address}/readyz")
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        sys.exit("the service does not start")

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def rotate(self):
        self.done("keys", "rotate")

    def checkpoint(self):
        self.done("ledger", "checkpoint")

    def done(self, *arguments):
        subprocess.run([self.binary, *arguments], env=self.environment, check=True, stdout=subprocess.DEVNULL)


def sign_in(signs, role):
    """The access token of a demo account."""
    account = json.loads(signs.read_text())["accounts"][role]
    login = {"email": account["email"], "password": account["password"]}
    return json.loads(ask("/api/v1/auth/login", body=login)[1])["access_token"]


def on_each_database(binary, what, make=Service):
    """On each kind of database in turn a service with the demo: the kind's name, the service, and the file of the demo's
    sign-ins, beside which there is room."""
    for kind in [Sqlite, Postgres]:
        with tempfile.TemporaryDirectory(prefix=f"tangguh-{what}-", dir="/tmp") as folder:
            database, signs = kind(folder), pathlib.Path(folder) / "sign-ins.json"
            service = make(str(pathlib.Path(binary).resolve()), database, folder)
            try:
                service.start("--demo", "--demo-sign-ins", str(signs))
                yield kind.__name__, service, signs
            finally:
                service.stop()
                database.stop()
