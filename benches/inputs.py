"""Measures what inputs cost: one by one against revisions of questions, in batches, and in a file. Started by load.sh.

One connection, one request after the other: what is compared is the cost of one answer, not what a crowd gets.
"""

import datetime
import json
import os
import secrets
import statistics
import sys
import threading
import time

from service import JAKARTA, ROUNDS, Client, demo, machine, told

P = f"/api/v1/programs/{JAKARTA}"
# Inputs, and revisions, of one round.
COUNT = int(os.environ.get("TANGGUH_BENCH_INPUTS", "300"))
BATCH = 500
ROWS = int(os.environ.get("TANGGUH_BENCH_ROWS", "50000"))
QUESTIONS = max(2 * COUNT, 100)

# Single inputs are at least this much of revisions, inputs of a batch this many times single ones.
SINGLE = 0.7
BATCHED = 5
# MB that the process holds at the most while a file is taken: what is resident but for pages of mapped files (its own
# code, and the SQLite file, of which the kernel keeps as much as it likes and gives back what others want).
MEMORY = 100


def said():
    """An input under a reference of its own."""
    text = "Jembatan Kali Contoh terendam sejak pukul tiga pagi, dan jalur evakuasi terputus. " * 3
    return {"kind": "evidence", "text": text, "language": "id", "external_ref": f"KB-{secrets.token_hex(8)}"}


def rate(count, work):
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def questions(client):
    """Questions that can be revised."""
    found, cursor = [], ""
    while len(found) < COUNT:
        page = client.get(f"{P}/questions?state=draft,proposed,in_review,validated&limit=200{cursor}", "facilitator")
        found += page["items"]
        cursor = f"&cursor={page['next_cursor']}"
    return found[:COUNT]


def revise(client, asked):
    for question in asked:
        body = {"text": {"id": "Baru", "en": "New"}, "reason_kind": "wording", "reason": "Made up for load."}
        headers = {"If-Match": f"\"{question['revision']}\"", "Idempotency-Key": secrets.token_hex(8)}
        client.call("POST", f"{P}/questions/{question['id']}/revisions", body, "facilitator", headers)


def send(client):
    for _ in range(COUNT):
        client.call("POST", f"{P}/inputs", said())


def measure(client):
    rounds = []
    for number in range(1, ROUNDS + 1):
        asked = questions(client)
        batch = {"mode": "all", "items": [said() for _ in range(BATCH)]}
        figures = {
            "revisions": rate(COUNT, lambda: revise(client, asked)),
            "single inputs": rate(COUNT, lambda: send(client)),
            "batched inputs": rate(BATCH, lambda: client.call("POST", f"{P}/inputs/batch", batch)),
        }
        rounds.append(figures)
        print(f"round {number}: " + ", ".join(f"{name} {value:.0f}/s" for name, value in figures.items()), flush=True)
    return rounds


def lines():
    """A file, made while it is sent."""
    for _ in range(0, ROWS, 100):
        yield "".join(json.dumps(said()) + "\n" for _ in range(100)).encode()


class Watch(threading.Thread):
    """Looks on and on how much memory a service holds, and keeps the most."""

    def __init__(self, service):
        super().__init__(daemon=True)
        self.service, self.most, self.over = service, 0, threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.02):
            held = self.service.memory("RssAnon") + self.service.memory("RssShmem")
            self.most = max(self.most, held)

    def end(self):
        self.over.set()
        self.join()
        return self.most


def take_file(client, service):
    """Uploads a file and waits until its last row was taken. Answers the seconds of both, and the MB at the most."""
    watch = Watch(service)
    began = time.perf_counter()
    headers = {"Content-Type": "application/x-ndjson"}
    made = client.call("POST", f"{P}/input-imports", lines(), headers=headers)[0]
    uploaded = time.perf_counter() - began
    while made["state"] not in ("done", "failed", "cut_off"):
        time.sleep(0.2)
        made = client.get(f"{P}/input-imports/{made['id']}")
    taken = time.perf_counter() - began - uploaded
    assert made["state"] == "done" and made["received_count"] == made["rows_count"], made
    return made["rows_count"], uploaded, taken, watch.end()


def results(rounds, memory):
    def ratio(one, other):
        return statistics.median(figures[one] / figures[other] for figures in rounds)

    single, batched = ratio("single inputs", "revisions"), ratio("batched inputs", "single inputs")
    return [
        ("single inputs, of revisions", single, f">= {SINGLE}", single >= SINGLE),
        ("inputs of a batch, of single inputs", batched, f">= {BATCHED}", batched >= BATCHED),
        (f"MB with a file of {ROWS} rows", memory, f"<= {MEMORY}", memory <= MEMORY),
    ]


def main():
    kind = sys.argv[1]
    heading = f"{datetime.date.today()} {kind}, inputs, {machine()}, {ROUNDS} rounds"
    print(heading, flush=True)
    with demo(kind, "inputs", "--questions", QUESTIONS) as (service, database):
        rounds = measure(Client(service, "partner"))
        # What was resident before is not the file's, nor what a password takes: the tokens hold for the next process too.
        service.stop()
        database.settle()
        service.start()
        rows, uploaded, taken, memory = take_file(Client(service, "partner"), service)
        resident = service.memory("VmHWM")
        service.stop()
        service.command("ledger", "verify")
    raw = [f"round {number}: {name}: {value:.1f}/s" for number, figures in enumerate(rounds, 1) for name, value in figures.items()]
    file = f"a file of {rows} rows: uploaded in {uploaded:.1f} s, taken in {taken:.1f} s ({rows / taken:.0f}/s), {memory:.0f} MB, {resident:.0f} with mapped files"
    print(file, flush=True)
    told(kind, "inputs-", heading, [*raw, file], results(rounds, memory))


main()
