"""The mirror test: both mirrors follow while several write, rights change and the service is killed. At the end each copy
must be what a fresh snapshot says, text for text.
"""

import collections
import http.client
import json
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error

from service_in_ci import P, ask

# The moments of the kills, and what the writers choose, come from it: a run that fails can be had again.
SEED = 20180823
SECONDS = 14
KILLS = 3


class Writers:
    """Several who write at the same time until they are told to stop, each with choices of its own."""

    def __init__(self, tokens, keys):
        self.tokens, self.keys = tokens, keys
        self.done = collections.Counter()
        self.faults = []
        self.over = threading.Event()
        self.areas = [area["id"] for area in items("focus-areas", tokens["lead"])]
        self.threads = [
            threading.Thread(target=self.write, args=(act, random.Random(f"{SEED} {number}")), daemon=True)
            for number, act in enumerate([self.questions, self.questions, self.drafts, self.partner, self.agency,
                                          self.decisions, self.consultations])  # fmt: skip
        ]

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        if self.faults:
            sys.exit(f"a writer was refused: {self.faults}")

    def write(self, act, choices):
        """Refusals are part of it: others were faster, or the service is just being killed."""
        while not self.over.is_set():
            try:
                act(choices)
            except urllib.error.HTTPError as error:
                if error.code not in (409, 412, 503):
                    self.faults.append(error.read().decode())
                    return
                self.done[f"refused with {error.code}"] += 1
            except (OSError, http.client.HTTPException):
                # The service was killed, maybe in the middle of its answer.
                time.sleep(0.1)
            except Exception as error:  # noqa: BLE001  a mistake of this file must not end a thread unseen
                self.faults.append(repr(error))
                return

    def did(self, what):
        self.done[what] += 1

    def questions(self, choices):
        question = choices.choice(items("questions", self.tokens["facilitator"], "&state=proposed,in_review"))
        path = f"questions/{question['id']}"
        if choices.random() < 0.3:
            body = {"focus_area_id": choices.choice(self.areas), "reason": "It fits better there."}
            change(f"{path}/move", self.tokens["facilitator"], question["revision"], body)
            self.did("question moved")
        else:
            text = {"id": f"Siapa terendam lebih dulu, {choices.random()}?"}
            body = {"text": text, "reason_kind": "wording", "reason": "Shorter."}
            change(f"{path}/revisions", self.tokens["facilitator"], question["revision"], body)
            self.did("question revised")

    def drafts(self, choices):
        """What partners see first when it is proposed."""
        body = {"focus_area_id": choices.choice(self.areas), "text": {"id": f"Berapa, {choices.random()}?"}}
        question = json.loads(ask(f"{P}/questions", self.tokens["facilitator"], body)[1])
        self.did("question asked")
        if question["state"] == "draft" and choices.random() < 0.6:
            step = {"to": "proposed", "reason": "For all to see."}
            change(f"questions/{question['id']}/transitions", self.tokens["facilitator"], question["revision"], step)
            self.did("question proposed")

    def partner(self, choices):
        self.send(self.keys["partner"], choices)

    def agency(self, choices):
        self.send(self.keys["agency"], choices)

    def send(self, key, choices):
        body = {"kind": choices.choice(["comment", "evidence", "proposal"]), "language": "id",
                "text": f"Air naik, {choices.random()}.", "external_ref": f"R-{choices.getrandbits(64):x}"}  # fmt: skip
        sent = json.loads(ask(f"{P}/inputs", key, body)[1])
        self.did("input sent")
        if choices.random() < 0.4:
            change(f"inputs/{sent['id']}/withdrawal", key, sent["revision"], {"reason": "A mistake."})
            self.did("input withdrawn")

    def decisions(self, choices):
        """An input that is quarantined is hidden from all but its sender and two roles."""
        one = choices.choice(items("inputs", self.tokens["secretariat"], "&state=received,acknowledged") or [None])
        if one is None:
            return time.sleep(0.1)
        if one["state"] == "acknowledged":
            body = {"kind": choices.choice(["accepted", "deferred", "not_accepted"]), "text": {"id": "Dicatat."}}
            change(f"inputs/{one['id']}/decision", self.tokens["secretariat"], one["revision"], body)
            return self.did("input decided")
        to = choices.choice(["acknowledged", "quarantined"])
        body = {"to": to, "reason": "Read."}
        change(f"inputs/{one['id']}/transitions", self.tokens["secretariat"], one["revision"], body)
        self.did(f"input {to}")

    def consultations(self, choices):
        body = {"topic": {"id": f"Jalur {choices.random()}"}, "text": {"id": "Jalur mana?"}, "participation": "consult",
                "subjects": [{"kind": "focus_area", "id": choices.choice(self.areas)}], "kinds": ["comment"],
                "opens_on": "2030-01-01"}  # fmt: skip
        made = json.loads(ask(f"{P}/consultations", self.tokens["secretariat"], body)[1])
        patch = {"closes_on": "2030-02-01"}
        change(f"consultations/{made['id']}", self.tokens["secretariat"], made["revision"], patch, method="PATCH")
        self.did("consultation made and changed")
        time.sleep(0.3)


class Follower:
    """A mirror as a process of its own, with its key in a file."""

    def __init__(self, folder, name, command, copy, environment):
        self.name, self.command, self.copy = name, [*command, str(folder / copy)], copy
        self.log = folder / f"{name}.log"
        self.key_file = folder / f"{name}.key"
        self.file = folder / copy
        self.environment = environment | {"TANGGUH_KEY_FILE": str(self.key_file)}

    def use(self, key):
        """Puts a key into the file as one does: whole, or not at all."""
        partial = self.key_file.with_suffix(".partial")
        partial.write_text(key)
        partial.chmod(0o600)
        partial.replace(self.key_file)
        self.key = key

    def start(self):
        with self.log.open("a") as log:
            self.process = subprocess.Popen(self.command, env=self.environment, stdout=log, stderr=log)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def held(self):
        """Where the copy stands, and what it has."""
        if self.file.suffix == ".json":
            kept = json.loads(self.file.read_text())
            return kept["after"], {
                (thing["kind"], thing["id"]): (thing["revision"], thing["content"]) for thing in kept["things"]
            }
        with sqlite3.connect(self.file) as database:
            rows = database.execute("select kind, id, revision, content from things").fetchall()
            after = database.execute("select after from standing").fetchone()[0]
        database.close()
        return after, {(kind, one): (revision, json.loads(content)) for kind, one, revision, content in rows}

    def must_equal_a_snapshot(self):
        after, fresh = snapshot(self.key)
        self.wait_until(lambda: self.held()[0] == after, f"does not come to {after}")
        held = self.held()[1]
        for name in sorted(held.keys() | fresh.keys()):
            if held.get(name) != fresh.get(name):
                sys.exit(f"{self.name}: {name} differs\n  mirror:   {held.get(name)}\n  snapshot: {fresh.get(name)}")
        return len(fresh)

    def must_see_a_new_view(self, times):
        told = "view-changed: a new snapshot"
        self.wait_until(lambda: self.log.read_text().count(told) >= times, f"was not told {times} times of a new view")

    def wait_until(self, holds, else_say):
        until = time.monotonic() + 30
        while not holds():
            if time.monotonic() > until or self.process.poll() is not None:
                sys.exit(f"{self.name} {else_say}\n{self.log.read_text()[-3000:]}")
            time.sleep(0.1)


def items(path, token, query=""):
    return json.loads(ask(f"{P}/{path}?limit=200{query}", token)[1])["items"]


def change(path, token, revision, body, method="POST"):
    return json.loads(ask(f"{P}/{path}", token, body, method=method, If_Match=f'"{revision}"')[1])


def snapshot(key):
    *lines, end = ask(f"{P}/snapshot", key)[1].decode().splitlines()
    things = (json.loads(line) for line in lines)
    fresh = {(thing["kind"], thing["id"]): (thing["revision"], thing["content"]) for thing in things}
    end = json.loads(end)
    assert end["end"] and end["count"] == len(fresh) > 50, end
    return end["after"], fresh


def publish(token):
    [statement] = items("statements", token, "&state=adopted")
    change(f"statements/{statement['id']}/publication", token, statement["revision"], {"reason": "For all."})


def follow(service, tokens, make_client, followers):
    """The whole test on a service that runs."""
    agency, partner = followers
    clients = {agency: make_client("agency", tokens["lead"]), partner: make_client("partner", tokens["lead"])}
    for follower, client in clients.items():
        follower.use(client.key)
        follower.start()
    writers = Writers(tokens, {"agency": make_client("agency", tokens["lead"]).key, "partner": clients[partner].key})
    steps = [lambda: publish(tokens["lead"])]
    # The agency's role is lost, another given, and then its own again; the partner's scopes shrink and grow.
    # What is taken back before a follower has seen it is no change to that follower: so each is waited for.
    steps += [
        lambda: clients[agency].revoke(tokens["lead"]),
        lambda: agency.use(make_client("observer", tokens["lead"]).key),
        lambda: clients[partner].narrow(tokens["lead"], "mapping.read"),
        lambda: agency.must_see_a_new_view(1),
        lambda: agency.use(make_client("agency", tokens["lead"]).key),
        lambda: partner.must_see_a_new_view(1),
        lambda: clients[partner].narrow(tokens["lead"]),
        lambda: agency.must_see_a_new_view(2),
        lambda: partner.must_see_a_new_view(2),
        agency.kill, agency.start, partner.kill, partner.start,
    ]  # fmt: skip
    choices = random.Random(SEED)
    moments = [(SECONDS * (at + 1) / (len(steps) + 1), step) for at, step in enumerate(steps)]
    moments += [(choices.uniform(1, SECONDS - 1), service.kill_and_start) for _ in range(KILLS)]
    began = time.monotonic()
    writers.start()
    for moment, step in sorted(moments, key=lambda one: one[0]):
        time.sleep(max(0, began + moment - time.monotonic()))
        step()
    writers.stop()
    told = [f"{follower.name} has {follower.must_equal_a_snapshot()} things" for follower in followers]
    for follower in followers:
        follower.kill()
    wanted = ["question revised", "question moved", "question proposed", "input sent", "input withdrawn",
              "input quarantined", "input decided", "consultation made and changed"]  # fmt: skip
    missing = [what for what in wanted if not writers.done[what]]
    assert not missing, f"nothing of this was written: {missing}; {dict(writers.done)}"
    return f"{', '.join(told)} after {sum(writers.done.values())} writes and {KILLS} kills"

