"""Measures what the process costs in a large programme, against pages of questions. Started by load.sh.

One connection, one request after the other: what is compared is the cost of one answer, not what a crowd gets.
"""

import datetime
import secrets
import statistics
import sys
import time

import service
from service import JAKARTA, ROUNDS, demo, machine, told

P = f"/api/v1/programs/{JAKARTA}"
QUESTIONS = 5000
REVISIONS = 10
EVENTS = 100
# Entries of the statement's basis, in five sections.
BASIS = 50
# One request of a stage's outcomes.
DECISIONS = 60
VOTERS = 10
# Requests of each kind in a round.
READS = 40

# A reading of the process costs at most this many pages of 50 questions; an outcome this many single revisions.
PAGES = 10
REVISINGS = 100


class Client(service.Client):
    """Makes things under a key of its own each time."""

    def call(self, method, path, body=None, role=None, headers=None):
        key = {"Idempotency-Key": secrets.token_hex(8)} if method in ("POST", "PUT") else {}
        return super().call(method, path, body, role, key | (headers or {}))

    def make(self, path, body, role="facilitator"):
        return self.call("POST", path, body, role)[0]

    def act(self, path, act, body, role="facilitator"):
        """Something done to what stands at `path` now."""
        etag = self.call("GET", path, role=role)[1]["ETag"]
        return self.call("POST", f"{path}/{act}", body, role, {"If-Match": etag})[0]


def events(client):
    """A hundred events; the last has a stage in which ten organisations decide."""
    for number in range(EVENTS):
        day = datetime.date(2019, 1, 1) + datetime.timedelta(days=number)
        name = {"id": f"Pertemuan {number}", "en": f"Meeting {number}"}
        event = client.make(f"{P}/events", {"kind": "meeting", "name": name, "on": day.isoformat()}, "secretariat")
    for step in ["confirmed", "held"]:
        client.act(f"{P}/events/{event['id']}", "transitions", {"to": step, "reason": "Made up for load."}, "secretariat")
    voters = [item["stakeholder_id"] for item in client.get(f"{P}/stakeholders?limit=50")["items"]][:VOTERS]
    stage = {"number": 1, "name": {"id": "Tahap", "en": "Stage"}, "electorate": voters}
    stage = client.make(f"{P}/events/{event['id']}/stages", stage, "secretariat")
    return f"{P}/events/{event['id']}/stages/{stage['id']}", voters


def proposed(client, count, offset):
    """Questions that can be decided on."""
    found, cursor = [], ""
    while len(found) < offset + count:
        page = client.get(f"{P}/questions?state=proposed&limit=200{cursor}")
        found += page["items"]
        cursor = f"&cursor={page['next_cursor']}"
    return found[offset : offset + count]


def statement(client):
    """A statement in alignment that rests on fifty questions and has a section for each focus area."""
    areas = client.get(f"{P}/focus-areas?state=active")["items"]
    questions = proposed(client, BASIS, 0)
    sections = []
    for number, area in enumerate(areas):
        share = questions[number :: len(areas)]
        basis = [{"kind": "question", "id": one["id"], "revision": one["revision"]} for one in share]
        sections.append({"focus_area_id": area["id"], "text": {"id": "Bagian", "en": "Section"}, "basis": basis})
    body = {
        "title": {"id": "Status ketahanan", "en": "Resilience statement"},
        "overall": {"text": {"id": "Keseluruhan", "en": "Overall"}, "basis": []},
        "sections": sections,
    }
    made = client.make(f"{P}/statements", body, "secretariat")
    path = f"{P}/statements/{made['id']}"
    client.act(path, "transitions", {"to": "in_alignment", "reason": "Made up for load."}, "secretariat")
    return path


def outcome(client, stage, voters, questions):
    """The ballots of one stage, opened beforehand, and the request that ends them all."""
    ballots = []
    for question in questions:
        ballot = {
            "question_id": question["id"],
            "method": "consensus",
            "rule": {"threshold_percent": 75},
            "quorum": VOTERS // 2,
            "unit": "organization",
        }
        ballot = client.make(f"{stage}/ballots", ballot)
        ballots.append(client.act(f"{P}/ballots/{ballot['id']}", "opening", {"reason": "Made up for load."}))
    return {
        "votes": [
            {"ballot_id": ballot["id"], "stakeholder_id": voter, "value": "agree"}
            for ballot in ballots
            for voter in voters
        ],
        "close_ballots": [ballot["id"] for ballot in ballots],
        "decisions": [
            {
                "ballot_id": ballot["id"],
                "question_id": ballot["question_id"],
                "on_revision": ballot["question_revision"],
                "kind": "keep",
                "reason": "Made up for load.",
            }
            for ballot in ballots
        ],
    }


def timed(work):
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def revised(client, questions):
    """Gives each question one more wording."""
    for question in questions:
        body = {"text": {"id": "Baru", "en": "New"}, "reason_kind": "wording", "reason": "Made up for load."}
        tag = f"\"{question['revision']}\""
        client.call("POST", f"{P}/questions/{question['id']}/revisions", body, headers={"If-Match": tag})


def measure(client, database):
    stage, voters = events(client)
    path = statement(client)
    database.settle()
    reads = {
        "page": f"{P}/questions?limit=50&state=proposed",
        "gate": f"{path}/gate",
        "basis": f"{path}/basis",
        "as_of": f"{P}/questions?limit=50&as_of=seq:25000",
        "difference": f"{P}/diff?from=seq:1",
        "coverage": f"{P}/coverage?framework=CRF-100RC",
    }
    rounds = []
    for number in range(1, ROUNDS + 1):
        figures = {}
        for name, place in reads.items():
            figures[name] = statistics.median(timed(lambda: client.get(place)) for _ in range(READS))
        # What a round decides on and revises, the next leaves alone.
        questions = proposed(client, DECISIONS + 100, BASIS)
        figures["100 revisions"] = timed(lambda: revised(client, questions[DECISIONS:]))
        body = outcome(client, stage, voters, questions[:DECISIONS])
        figures["outcome"] = timed(lambda: client.make(f"{stage}/outcomes", body))
        rounds.append(figures)
        print(f"round {number}: " + ", ".join(f"{name} {ms:.2f} ms" for name, ms in figures.items()), flush=True)
    return rounds


def results(rounds):
    def ratio(one, other, times=1):
        return statistics.median(figures[one] / figures[other] * times for figures in rounds)

    lines = []
    for name in ["gate", "basis", "as_of", "difference", "coverage"]:
        value = ratio(name, "page")
        lines.append((f"{name}, pages", value, f"<= {PAGES}", value <= PAGES))
    value = ratio("outcome", "100 revisions", 100)
    lines.append(("outcome, revisions", value, f"<= {REVISINGS}", value <= REVISINGS))
    return lines


def main():
    kind = sys.argv[1]
    heading = f"{datetime.date.today()} {kind}, the process, {machine()}, {ROUNDS} rounds"
    print(heading, flush=True)
    with demo(kind, "process", "--questions", QUESTIONS, "--revisions", REVISIONS) as (started, database):
        rounds = measure(Client(started, "facilitator"), database)
        started.stop()
        started.command("ledger", "verify")
    raw = [
        f"round {number}: {name}: {ms:.3f} ms" for number, figures in enumerate(rounds, 1) for name, ms in figures.items()
    ]
    told(kind, "process-", heading, raw, results(rounds))


main()
