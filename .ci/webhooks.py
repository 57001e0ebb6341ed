"""Verifies what the service sends to webhooks with the reference library of Standard Webhooks, which is not ours: over
TLS, on both databases, while one secret takes the place of another; on PostgreSQL two workers deliver that do nothing
else. One byte changed must not hold, and a receiver whose certificate nobody vouches for must get nothing. Who sends is
killed with a message in its hands (killed_sender.py): another goes on, or the same when it is back, and nothing is missing.

usage: python3 .ci/webhooks.py BINARY        needs standardwebhooks, cryptography and PostgreSQL's server programs
"""

import datetime
import http.server
import ipaddress
import json
import pathlib
import ssl
import sys
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

sys.dont_write_bytecode = True
from killed_sender import Interrupted  # noqa: E402
from service_in_ci import P, Service, ask, on_each_database, sign_in  # noqa: E402

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

    def __init__(self, both, came_from=lambda _: None):
        """`came_from` is called with the sender's port before a message is answered."""
        self.came = came = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                came.append((dict(self.headers), self.rfile.read(int(self.headers["content-length"]))))
                came_from(self.client_address[1])
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
        self.token = sign_in(signs, "lead")

    def call(self, method, path, body=None, tag=None):
        pinned = {"If_Match": f'"{tag}"'} if tag else {}
        return json.loads(ask(path, self.token, body, method, **pinned)[1])

    def webhook(self, url, **types):
        """A webhook with a secret: its path and the secret."""
        path = f"{P}/webhooks/{self.call('POST', f'{P}/webhooks', {'url': url, **types})['id']}"
        return path, self.renew(path, 1)

    def renew(self, path, revision):
        return self.call("POST", f"{path}/secrets", {"keep_old_hours": 1}, revision)["secret"]

    def shock(self, number):
        self.call("POST", f"{P}/shocks-and-stresses", {"kind": "shock", "name": {"id": f"Banjir {number}"}})


def verify(message, secret):
    headers, body = message
    told = Webhook(secret).verify(body, headers)
    try:
        Webhook(secret).verify(body[:20] + bytes([body[20] ^ 1]) + body[21:], headers)
    except WebhookVerificationError:
        return told
    sys.exit("webhooks: one byte was changed, and the signature still holds")


class Delivering(Service):
    """A service that may write to two receivers of this machine. On PostgreSQL two workers do so, and the service not."""

    def __init__(self, binary, database, folder):
        super().__init__(binary, database, folder)
        authority = certificate(folder, "authority")
        certificate(folder, "server", authority)
        certificate(folder, "stranger", certificate(folder, "nobody"))
        self.receiver, self.stranger = Receiver(f"{folder}/server.both.pem"), Receiver(f"{folder}/stranger.both.pem")
        self.environment |= {
            "TANGGUH_WEBHOOK_ALLOW": "127.0.0.0/8",
            "TANGGUH_WEBHOOK_CA_FILE": f"{folder}/authority.pem",
        }
        self.workers = 0 if database.url.startswith("sqlite:") else 2
        self.interrupted = Interrupted(self)
        self.slow = Receiver(f"{folder}/server.both.pem", self.interrupted.came_from)
        self.processes = []

    def start(self, *options):
        super().start(*options, *["--no-worker"] * bool(self.workers))
        self.processes = [self.process, *(self.run("work") for _ in range(self.workers))]

    def kill(self, process):
        """Ends one with SIGKILL. The service is started again; a worker is not."""
        process.kill()
        process.wait()
        self.processes.remove(process)
        if process is self.process:
            self.start()

    def end(self):
        """Every process ends well when it is told to."""
        for process in self.processes:
            process.terminate()
        ended = [process.wait(30) for process in self.processes]
        assert ended == [0] * len(ended), ended

    def stop(self):
        for process in self.processes or [self.process]:
            process.kill()
            process.wait()


def deliver(client, receiver, stranger):
    path, first = client.webhook(receiver.url, types=TYPES)
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

    path, _ = client.webhook(stranger.url, types=TYPES)
    tested = client.call("POST", f"{path}/test")
    assert tested["error"] == "no_trust" and not stranger.came, tested


def main():
    for name, service, signs in on_each_database(sys.argv[1], "webhooks", Delivering):
        client = Client(signs)
        goes_on = service.interrupted.begin(client)
        # Meanwhile who is left sends for others.
        deliver(client, service.receiver, service.stranger)
        told = goes_on(verify)
        service.end()
        came = len(service.receiver.came)
        print(f"{name}: {came} messages came over TLS, and the reference library verifies them; {told}")


main()
