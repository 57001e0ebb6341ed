"""Measures what delivering ten thousand messages to a fast receiver costs those who ask meanwhile. Started by load.sh.

One connection, one request after the other, with delivery off and on in turn: what is compared is how many requests are
answered in the same time. The messages are those of the rows that making the programme left, sent again.
"""

import datetime
import http.client
import json
import os
import secrets
import socket
import statistics
import sys
import tempfile
import threading
import time

from service import JAKARTA, PORT, ROUNDS, SECONDS, Postgres, Service, Sqlite, machine, told

P = f"/api/v1/programs/{JAKARTA}"
MESSAGES = int(os.environ.get("TANGGUH_BENCH_MESSAGES", "10000"))
REVISIONS = 10
# Of the requests answered without delivery, at least this part is answered with it.
FLOOR = 0.9


class Receiver:
    """Takes a message and says 204, with as little work as can be."""

    def __init__(self):
        self.sequences = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection = self.listener.accept()[0]
            came = b""
            while b'"subject":' not in came.partition(b"\r\n\r\n")[2] or not came.endswith(b"}}}"):
                came += connection.recv(65536)
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            connection.close()
            self.sequences.append(int(came.partition(b'"sequence":')[2].partition(b",")[0]))


class Client:
    """One connection that is kept open."""

    def __init__(self, service):
        self.tokens = service.tokens
        self.connection = http.client.HTTPConnection("127.0.0.1", PORT)

    def call(self, method, path, body=None, tag=None):
        headers = {"Authorization": f"Bearer {self.tokens['lead']}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        if method == "POST" and not path.endswith("/secrets"):
            headers["Idempotency-Key"] = secrets.token_hex(8)
        if tag:
            headers["If-Match"] = tag
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status < 300, (method, path, answer.status, text[:2000])
        return json.loads(text), answer.headers

    def change(self, method, path, body, act=""):
        tag = self.call("GET", path)[1]["ETag"]
        return self.call(method, path + act, body, tag)[0]


def webhook(client, receiver):
    path = f"{P}/webhooks/{client.call('POST', f'{P}/webhooks', {'url': receiver.url, 'types': ['question.ask', 'question.revise']})[0]['id']}"
    client.change("POST", path, {}, "/secrets")
    head = client.call("GET", path)[0]["delivery"]["sequence"]
    again = {"from_sequence": head - MESSAGES + 1, "to_sequence": head, "reason": "Made up for load."}
    client.change("POST", path, again, "/replay")
    return path


def answered(client, questions):
    """Requests of a client in a second: nine reads and a revision in turn."""
    end, count, began = time.perf_counter() + SECONDS, 0, time.perf_counter()
    while time.perf_counter() < end:
        question = questions[count // 10 % len(questions)]
        path = f"{P}/questions/{question['id']}"
        for _ in range(9):
            tag = client.call("GET", path)[1]["ETag"]
        body = {"text": {"id": "Baru", "en": "New"}, "reason_kind": "wording", "reason": "Made up for load."}
        client.call("POST", f"{path}/revisions", body, tag)
        count += 10
    return count / (time.perf_counter() - began)


def measure(client, receiver):
    path = webhook(client, receiver)
    questions = client.call("GET", f"{P}/questions?state=proposed&limit=200")[0]["items"]
    answered(client, questions)
    rounds = []
    for number in range(1, ROUNDS + 1):
        quiet = answered(client, questions)
        client.change("PATCH", path, {"state": "active"})
        before = len(receiver.sequences)
        busy = answered(client, questions)
        sent = (len(receiver.sequences) - before) / SECONDS
        client.change("PATCH", path, {"state": "disabled"})
        rounds.append({"quiet": quiet, "delivering": busy, "sent": sent})
        print(f"round {number}: " + ", ".join(f"{name} {value:.1f}/s" for name, value in rounds[-1].items()), flush=True)
        assert sent > 0, "nothing was sent meanwhile"
    client.change("PATCH", path, {"state": "active"})
    while client.call("GET", path)[0]["delivery"]["replaying"]:
        time.sleep(0.5)
    return rounds


def main():
    kind = sys.argv[1]
    heading = f"{datetime.date.today()} {kind}, webhooks, {machine()}, {ROUNDS} rounds of {SECONDS} s"
    print(heading, flush=True)
    receiver = Receiver()
    os.environ["TANGGUH_WEBHOOK_ALLOW"] = "127.0.0.0/8"
    with tempfile.TemporaryDirectory(prefix="tangguh-webhooks-", dir="/tmp") as folder:
        database = (Sqlite if kind == "sqlite" else Postgres)(folder)
        service = Service(database, folder)
        try:
            questions = MESSAGES // REVISIONS + 100
            made = service.command("demo", "--questions", str(questions), "--revisions", str(REVISIONS))
            service.start()
            service.sign_in(json.loads(made)["accounts"])
            database.settle()
            rounds = measure(Client(service), receiver)
            service.stop()
        finally:
            if getattr(service, "process", None) and service.process.poll() is None:
                service.process.kill()
            database.stop()
    again = sorted(set(receiver.sequences))
    raw = [
        f"round {number}: {name}: {value:.1f}/s" for number, one in enumerate(rounds, 1) for name, value in one.items()
    ]
    raw.append(f"{len(again)} messages, {len(receiver.sequences)} times")
    ratio = statistics.median(one["delivering"] / one["quiet"] for one in rounds)
    results = [("requests with delivery, of those without", ratio, f">= {FLOOR}", ratio >= FLOOR)]
    results.append(("messages", len(again), f">= {MESSAGES * 0.9:.0f}", len(again) >= MESSAGES * 0.9))
    told(kind, "webhooks-", heading, raw, results)


main()
