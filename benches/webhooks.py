"""Measures what delivering ten thousand messages to a fast receiver costs those who ask meanwhile. Started by load.sh.

One connection, one request after the other, with delivery off and on in turn: what is compared is how many requests are
answered in the same time. The messages are those of the rows that making the programme left, sent again.
"""

import datetime
import multiprocessing
import os
import secrets
import socket
import statistics
import sys
import time

import service
from service import JAKARTA, ROUNDS, SECONDS, demo, machine, told

P = f"/api/v1/programs/{JAKARTA}"
MESSAGES = int(os.environ.get("TANGGUH_BENCH_MESSAGES", "10000"))
REVISIONS = 10
# Of the requests answered without delivery, at least this part is answered with it.
FLOOR = 0.9


class Receiver:
    """Takes a message and says 204, with as little work as can be; in a process of its own, whose time is not that of
    those who ask."""

    def __init__(self):
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        self.sequences = []
        self.came, coming = multiprocessing.Pipe(duplex=False)
        multiprocessing.Process(target=serve, args=(listener, coming), daemon=True).start()

    def received(self):
        """The sequences of all that came until now."""
        while self.came.poll():
            self.sequences.append(self.came.recv())
        return self.sequences


def serve(listener, coming):
    while True:
        connection = listener.accept()[0]
        came = b""
        while b'"subject":' not in came.partition(b"\r\n\r\n")[2] or not came.endswith(b"}}}"):
            came += connection.recv(65536)
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        connection.close()
        coming.send(int(came.partition(b'"sequence":')[2].partition(b",")[0]))


class Client(service.Client):
    """Somebody who changes what is there."""

    def post(self, path, body, tag=None):
        headers = {} if path.endswith("/secrets") else {"Idempotency-Key": secrets.token_hex(8)}
        return self.call("POST", path, body, headers=headers | ({"If-Match": tag} if tag else {}))[0]

    def tag(self, path):
        return self.call("GET", path)[1]["ETag"]

    def act(self, path, act, body):
        return self.post(path + act, body, self.tag(path))

    def switch(self, path, state):
        self.call("PATCH", path, {"state": state}, headers={"If-Match": self.tag(path)})


def webhook(client, receiver):
    wanted = {"url": receiver.url, "types": ["question.ask", "question.revise"]}
    path = f"{P}/webhooks/{client.post(f'{P}/webhooks', wanted)['id']}"
    client.act(path, "/secrets", {})
    head = client.get(path)["delivery"]["sequence"]
    again = {"from_sequence": head - MESSAGES + 1, "to_sequence": head, "reason": "Made up for load."}
    client.act(path, "/replay", again)
    return path


def answered(client, questions):
    """Requests of a client in a second: nine reads and a revision in turn."""
    end, count, began = time.perf_counter() + 1, 0, time.perf_counter()
    while time.perf_counter() < end:
        question = questions[count // 10 % len(questions)]
        path = f"{P}/questions/{question['id']}"
        for _ in range(9):
            tag = client.tag(path)
        body = {"text": {"id": "Baru", "en": "New"}, "reason_kind": "wording", "reason": "Made up for load."}
        client.post(f"{path}/revisions", body, tag)
        count += 10
    return count / (time.perf_counter() - began)


def measure(client, receiver):
    path = webhook(client, receiver)
    questions = client.get(f"{P}/questions?state=proposed&limit=200")["items"]
    answered(client, questions)
    rounds = []
    for number in range(1, ROUNDS + 1):
        quiet, busy, before = [], [], len(receiver.received())
        # By turns of a second, since the machine's speed drifts.
        for _ in range(SECONDS):
            quiet.append(answered(client, questions))
            client.switch(path, "active")
            busy.append(answered(client, questions))
            client.switch(path, "disabled")
        sent = (len(receiver.received()) - before) / SECONDS
        quiet, busy = statistics.mean(quiet), statistics.mean(busy)
        rounds.append({"quiet": quiet, "delivering": busy, "sent": sent})
        print(f"round {number}: " + ", ".join(f"{name} {value:.1f}/s" for name, value in rounds[-1].items()), flush=True)
        assert sent > 0, "nothing was sent meanwhile"
    client.switch(path, "active")
    while client.get(path)["delivery"]["replaying"]:
        receiver.received()
        time.sleep(0.5)
    return rounds


def main():
    kind = sys.argv[1]
    heading = f"{datetime.date.today()} {kind}, webhooks, {machine()}, {ROUNDS} rounds of {SECONDS} s"
    print(heading, flush=True)
    receiver = Receiver()
    os.environ["TANGGUH_WEBHOOK_ALLOW"] = "127.0.0.0/8"
    questions = MESSAGES // REVISIONS + 100
    with demo(kind, "webhooks", "--questions", questions, "--revisions", REVISIONS) as (started, database):
        database.settle()
        rounds = measure(Client(started, "lead"), receiver)
        started.stop()
    again = set(receiver.received())
    raw = [
        f"round {number}: {name}: {value:.1f}/s" for number, one in enumerate(rounds, 1) for name, value in one.items()
    ]
    raw.append(f"{len(again)} messages, {len(receiver.sequences)} times")
    ratio = statistics.median(one["delivering"] / one["quiet"] for one in rounds)
    results = [("requests with delivery, of those without", ratio, f">= {FLOOR}", ratio >= FLOOR)]
    results.append(("messages", len(again), f">= {MESSAGES * 0.9:.0f}", len(again) >= MESSAGES * 0.9))
    told(kind, "webhooks-", heading, raw, results)


main()
