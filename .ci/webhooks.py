"""Verifies what the service sends to webhooks with the reference library of Standard Webhooks, which is not ours: over
TLS, on both databases, while one secret takes the place of another. One byte changed must not hold, and a receiver whose
certificate nobody vouches for must get nothing.

usage: python3 .ci/webhooks.py BINARY        needs standardwebhooks, cryptography and PostgreSQL's server programs
"""

import datetime
import http.server
import ipaddress
import json
import os
import pathlib
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

ROOT = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "benches"))
sys.dont_write_bytecode = True
from service import JAKARTA, Postgres, Sqlite  # noqa: E402

PORT = 18592
ADDRESS = f"http://127.0.0.1:{PORT}"
P = f"/api/v1/programs/{JAKARTA}"
TYPES = ["shock_or_stress.name"]


def certificate(folder, name, issuer=None):
    """A certificate and its key: an authority, or, with one, a server of this machine."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(issuer[1] if issuer else key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (pathlib.Path(folder) / f"{name}.pem").write_bytes(pem)
    (pathlib.Path(folder) / f"{name}.both.pem").write_bytes(private + pem)
    return made, key


class Receiver:
    """Keeps what comes: headers and bytes."""

    def __init__(self, both):
        self.came = came = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                came.append((dict(self.headers), self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # Whoever hangs up at a stranger does what is wanted.
        self.server.handle_error = lambda *_: None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(both)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, count):
        for _ in range(300):
            if len(self.came) >= count:
                return
            time.sleep(0.1)
        sys.exit(f"webhooks: {len(self.came)} messages came, and {count} were awaited")


class Client:
    def __init__(self, signs):
        account = json.loads(signs.read_text())["accounts"]["lead"]
        self.token = None
        login = {"email": account["email"], "password": account["password"]}
        self.token = self.call("POST", "/api/v1/auth/login", login)["access_token"]

    def call(self, method, path, body=None, tag=None):
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if tag:
            headers["If-Match"] = f'"{tag}"'
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(ADDRESS + path, data, headers, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())

    def webhook(self, url):
        """A webhook with a secret: its path and the secret."""
        path = f"{P}/webhooks/{self.call('POST', f'{P}/webhooks', {'url': url, 'types': TYPES})['id']}"
        return path, self.renew(path, 1)

    def renew(self, path, revision):
        return self.call("POST", f"{path}/secrets", {"keep_old_hours": 1}, revision)["secret"]

    def shock(self, number):
        self.call("POST", f"{P}/shocks-and-stresses", {"kind": "shock", "name": {"id": f"Banjir {number}"}})


def verify(message, secret):
    headers, body = message
    told = Webhook(secret).verify(body, headers)
    try:
        Webhook(secret).verify(body.replace(b"shock", b"shack", 1), headers)
    except WebhookVerificationError:
        return told
    sys.exit("webhooks: one byte was changed, and the signature still holds")


def start(binary, database, folder):
    environment = os.environ | {
        "DATABASE_URL": database.url,
        "TANGGUH_LISTEN": f"127.0.0.1:{PORT}",
        "TANGGUH_SECRET": "only for the webhooks, and long enough to be a secret",
        "TANGGUH_WEBHOOK_ALLOW": "127.0.0.0/8",
        "TANGGUH_WEBHOOK_CA_FILE": f"{folder}/authority.pem",
    }
    with open(f"{folder}/log", "a") as log:
        command = [binary, "serve", "--demo", "--demo-sign-ins", f"{folder}/sign-ins.json"]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
    for _ in range(300):
        try:
            with urllib.request.urlopen(ADDRESS + "/readyz"):
                return process
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    sys.exit("webhooks: the service does not start")


def story(folder):
    authority = certificate(folder, "authority")
    certificate(folder, "server", authority)
    certificate(folder, "stranger", certificate(folder, "nobody"))
    receiver, stranger = Receiver(f"{folder}/server.both.pem"), Receiver(f"{folder}/stranger.both.pem")
    return receiver, stranger


def deliver(client, receiver, stranger):
    path, first = client.webhook(receiver.url)
    client.call("PATCH", path, {"state": "active"}, 2)
    for number in range(3):
        client.shock(number)
    receiver.wait(3)
    told = [verify(message, first) for message in receiver.came]
    assert [one["type"] for one in told] == TYPES * 3, told
    sequences = [one["data"]["sequence"] for one in told]
    assert sequences == sorted(sequences), sequences

    second = client.renew(path, 3)
    client.shock(4)
    receiver.wait(4)
    assert len(receiver.came[3][0]["webhook-signature"].split(" ")) == 2
    for secret in (first, second):
        verify(receiver.came[3], secret)

    path, _ = client.webhook(stranger.url)
    tested = client.call("POST", f"{path}/test")
    assert tested["error"] == "no_trust" and not stranger.came, tested


def main():
    binary = str(pathlib.Path(sys.argv[1]).resolve())
    for kind in [Sqlite, Postgres]:
        with tempfile.TemporaryDirectory(prefix="tangguh-webhooks-", dir="/tmp") as folder:
            database, process = kind(folder), None
            try:
                receiver, stranger = story(folder)
                process = start(binary, database, folder)
                deliver(Client(pathlib.Path(folder) / "sign-ins.json"), receiver, stranger)
                process.terminate()
                assert process.wait(30) == 0, "it does not end well"
            finally:
                if process and process.poll() is None:
                    process.kill()
                    process.wait()
                database.stop()
        print(f"{kind.__name__}: {len(receiver.came)} messages came over TLS, and the reference library verifies them")


main()
