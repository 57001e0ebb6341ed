"""Measures what following a programme costs: catching up, against pages of the same things, and waiting. Started by
load.sh.

One connection, one request after the other, but for those who wait: there are a thousand of them.
"""

import datetime
import pathlib
import socket
import statistics
import sys
import time

from service import JAKARTA, PORT, ROUNDS, Client, demo, machine, told

P = f"/api/v1/programs/{JAKARTA}"
CHANGES = 20_000
# As many at a time, of both.
LIMIT = 200
WAITING = 1000

# Rows a second of the changes, as a share of rows a second of pages of the questions that they tell of.
SHARE = 0.5
# What a thousand who wait may cost, in MB of resident memory, and how many threads more than before.
MEMORY = 30
THREADS = 2


def catch_up(client):
    """Rows a second of all changes from the first to the last."""
    rows, after, began = 0, "0", time.perf_counter()
    while True:
        page = client.get(f"{P}/changes?after={after}&limit={LIMIT}")
        if not page["items"]:
            return rows / (time.perf_counter() - began), after
        rows, after = rows + len(page["items"]), page["after"]


def pages(client):
    """Rows a second of all questions, page by page."""
    rows, path, began = 0, f"{P}/questions?limit={LIMIT}", time.perf_counter()
    while path:
        page = client.get(path)
        rows += len(page["items"])
        cursor = page["next_cursor"]
        path = cursor and f"{P}/questions?limit={LIMIT}&cursor={cursor}"
    assert rows >= CHANGES, rows
    return rows / (time.perf_counter() - began)


def threads(service):
    return len(list(pathlib.Path(f"/proc/{service.process.pid}/task").iterdir()))


def wait(service, after):
    """A thousand polls that nothing ends: what they cost in memory and threads, and that all are answered."""
    before = (service.memory("VmRSS"), threads(service))
    request = (
        f"GET {P}/changes?after={after}&wait=10 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        f"Authorization: Bearer {service.tokens['facilitator']}\r\n\r\n"
    ).encode()
    waiting = []
    for _ in range(WAITING):
        one = socket.create_connection(("127.0.0.1", PORT), timeout=60)
        one.sendall(request)
        waiting.append(one)
    time.sleep(3)
    during = (service.memory("VmRSS"), threads(service))
    for one in waiting:
        answer = b"".join(iter(lambda: one.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 200"), answer[:200]
        one.close()
    return during[0] - before[0], during[1] - before[1]


def measure(service, database):
    client = Client(service, "facilitator")
    pages(client), catch_up(client)
    rounds = []
    for _ in range(ROUNDS):
        database.settle()
        changes, after = catch_up(client)
        rounds.append({"changes, rows a second": changes, "pages, rows a second": pages(client)})
    grown, more = wait(service, after)
    rounds[-1] |= {"a thousand waiting, MB": grown, "a thousand waiting, threads": float(more)}
    return rounds


def results(rounds):
    share = statistics.median(one["changes, rows a second"] / one["pages, rows a second"] for one in rounds)
    grown, more = rounds[-1]["a thousand waiting, MB"], rounds[-1]["a thousand waiting, threads"]
    return [
        ("catching up / pages", share, f">= {SHARE}", share >= SHARE),
        ("a thousand waiting, MB", grown, f"<= {MEMORY}", grown <= MEMORY),
        ("a thousand waiting, threads", more, f"<= {THREADS}", more <= THREADS),
    ]


def main():
    kind = sys.argv[1]
    heading = f"{datetime.date.today()} {kind}, the feed, {machine()}, {ROUNDS} rounds"
    print(heading, flush=True)
    with demo(kind, "feed", "--questions", CHANGES, "--revisions", 1) as (service, database):
        rounds = measure(service, database)
    raw = [f"round {number}: {name}: {value:.3f}" for number, one in enumerate(rounds, 1) for name, value in one.items()]
    told(kind, "feed-", heading, raw, results(rounds))


main()
