"""Lets schemathesis's requests get past what a schema cannot say.

Made-up ids answer 404 and a made-up ETag is stale, so most requests would stop there and nothing further would ever be
looked at. Where the path of a request is meant to be valid, three times out of four this names things that there are,
and where its headers are, it sends the current ETag; where all of a request is meant to be valid, it does the same in
the body and gives texts their source language. Parts that are meant to be wrong are left as they are.
"""

import ast
import datetime
import functools
import os
import random
import threading
import uuid
from urllib.parse import quote

import requests
import schemathesis
from schemathesis import GenerationMode
from schemathesis.core.parameters import ParameterLocation

PROGRAM = "jakarta-berketahanan"
# The account and the sign-in that the run lives by. Schemathesis finds them in answers by itself.
OWN = "own"
# Archived and made active again and again, so that the other one stays as it is.
ANOTHER = "kota-percobaan"
FRAMEWORK = "CRF-100RC"
TEXTS = {
    "name", "text", "problem", "aim", "summary", "title", "description", "purpose", "label", "rationale", "chair_role",
    "aliases", "objectives", "outcomes", "labels",
}  # fmt: skip

# Two threads that parse at once trip Python 3.11 now and then ("AST constructor recursion depth mismatch",
# python/cpython#106905), and hypothesis parses in each worker.
parse, alone = ast.parse, threading.Lock()


def parse_alone(*arguments, **options):
    with alone:
        return parse(*arguments, **options)


ast.parse = parse_alone

chance = random.Random(20261124)
session = requests.Session()
session.headers["Authorization"] = f"Bearer {os.environ['TANGGUH_TOKEN']}"


@functools.cache
def there_is(base):
    """Ids by the name of the parameter or member that takes them. The caller's own stay out: the run lives by them."""

    def items(path):
        answer = session.get(f"{base}/api/v1/{path}", params={"limit": 200}, timeout=10)
        return answer.json()["items"] if answer.status_code == 200 else []

    def ids(things, member="id"):
        return [thing[member] for thing in things if me not in (thing["id"], thing.get("account_id"))]

    me = session.get(f"{base}/api/v1/me", timeout=10).json()["id"]
    memberships = items(f"programs/{PROGRAM}/memberships")
    questions = ids(items(f"programs/{PROGRAM}/questions"))
    session.post(
        f"{base}/api/v1/programs",
        json={"slug": ANOTHER, "source_language": "id", "name": {"id": "Kota percobaan"}, "time_zone": "Asia/Jakarta"},
        timeout=10,
    )
    program = f"{base}/api/v1/programs/{PROGRAM}"
    organisations = ids(items(f"programs/{PROGRAM}/stakeholders"), "stakeholder_id")
    running = run_session(program, organisations)
    call = {"topic": {"id": "Percobaan"}, "participation": "consult", "kinds": ["comment"], "opens_on": "2020-01-01"}
    session.post(f"{program}/consultations", json=call, timeout=10)
    said = {"kind": "comment", "text": "Percobaan.", "language": "id", "external_ref": "percobaan-1"}
    session.post(f"{program}/inputs", json=said, timeout=10)
    client = make_client(program)
    session.post(
        f"{program}/input-imports", data="\n", headers={"Content-Type": "application/x-ndjson"}, timeout=10
    )
    make_webhook(program)
    events = items(f"programs/{PROGRAM}/events")
    sign_ins = items("me/sign-ins")
    return {
        "account_id": ids(items("accounts")) or ids(memberships, "account_id"),
        "sign_in_id": [one["id"] for one in sign_ins if not one["current"]],
        OWN: {me, *(one["id"] for one in sign_ins if one["current"])},
        "invitation_id": invite(base, organisations) or ids(items("invitations")),
        "request_id": ask_about_data(base),
        "document_id": ids(items(f"programs/{PROGRAM}/documents")),
        "focus_area_id": ids(items(f"programs/{PROGRAM}/focus-areas")),
        "into_id": questions,
        "lead_stakeholder_id": ids(items("stakeholders")),
        "membership_id": ids(memberships),
        "participant": organisations,
        "owner_stakeholder_id": organisations,
        "chair_stakeholder_id": organisations,
        "represented_by_id": organisations,
        "material_id": ids(items(f"programs/{PROGRAM}/documents")),
        # Acts go to the event that is on; the code is of one whose minutes everybody may read.
        **running,
        "event_code": [event["code"] for event in events if event["state"] == "minutes_approved"],
        "ballot_id": ids(items(f"programs/{PROGRAM}/ballots")),
        "decision_id": ids(items(f"programs/{PROGRAM}/decisions")),
        "mapping_id": ids(items(f"programs/{PROGRAM}/mappings")),
        "criterion_id": ids(items(f"programs/{PROGRAM}/criteria")),
        "statement_id": ids(items(f"programs/{PROGRAM}/statements")),
        "statement_code": publish(program),
        "consultation_id": ids(items(f"programs/{PROGRAM}/consultations")),
        "input_id": ids(items(f"programs/{PROGRAM}/inputs")),
        "client_id": ids(items(f"programs/{PROGRAM}/clients")),
        "key_id": client,
        "webhook_id": ids(items(f"programs/{PROGRAM}/webhooks")),
        "import_id": ids(items(f"programs/{PROGRAM}/input-imports")),
        "event_type": ["question.revise"],
        "framework": [FRAMEWORK],
        "node": [node["code"] for node in items(f"frameworks/{FRAMEWORK}/nodes")],
        "phase_id": ids(items(f"programs/{PROGRAM}/phases")),
        "predecessor_id": ids(items("stakeholders")),
        "question_id": questions,
        "shock_or_stress_id": ids(items(f"programs/{PROGRAM}/shocks-and-stresses")),
        "stakeholder_id": organisations or ids(items("stakeholders")),
        "successor_id": ids(items("stakeholders")),
        "parent_id": ids(items("stakeholders")),
    }


def act(url, what, body):
    """An act on what stands there now."""
    seen = session.get(url, timeout=10)
    return session.post(f"{url}/{what}", json=body, headers={"If-Match": seen.headers.get("ETag", "")}, timeout=10)


def invite(base, organisations):
    """An invitation; its id. Nothing, to who may not."""
    into = {"program": PROGRAM, "role": "observer", "stakeholder_id": (organisations or [None])[0]}
    body = {"email": "undangan@example.org", "membership": into}
    made = session.post(f"{base}/api/v1/invitations", json=body, timeout=10)
    return [made.json()["id"]] if made.status_code == 201 else []


def ask_about_data(base):
    """A request about the caller's own data; its id."""
    session.post(f"{base}/api/v1/personal-data/requests", json={"kind": "access"}, timeout=10)
    asked = session.get(f"{base}/api/v1/personal-data/requests", timeout=10)
    return [one["id"] for one in asked.json()["items"]] if asked.status_code == 200 else []


def make_client(program):
    """A machine with a key; the key's id. Nothing, to who may not."""
    ends = str(datetime.date.today() + datetime.timedelta(days=90))
    new = {"role": "partner", "name": "Percobaan", "purpose": "Mencoba.", "scopes": ["input.send"], "expires_on": ends}
    made = session.post(f"{program}/clients", json=new, timeout=10)
    if made.status_code != 201:
        return []
    keys = act(f"{program}/clients/{made.json()['id']}", "keys", {})
    return [keys.json()["id"]] if keys.status_code == 201 else []


def make_webhook(program):
    """A webhook that leads nowhere, and says so at once. Nothing, to who may not."""
    made = session.post(f"{program}/webhooks", json={"url": "http://127.0.0.1:9/"}, timeout=10)
    if made.status_code == 201:
        act(f"{program}/webhooks/{made.json()['id']}", "secrets", {})


def run_session(program, organisations):
    """An event that is on, with a stage, two ballots and a follow-up: the demo's is over. Nothing, to who may not."""
    event = session.post(f"{program}/events", json={"kind": "meeting", "name": {"id": "Percobaan"}}, timeout=10)
    if event.status_code != 201:
        return {}
    event = event.json()["id"]
    url = f"{program}/events/{event}"
    stage = {"number": 1, "name": {"id": "Satu"}, "electorate": organisations}
    stage = session.post(f"{url}/stages", json=stage, timeout=10).json()["id"]
    invited = [{"stakeholder_id": one, "status": "invited", "capacity": "member"} for one in organisations]
    session.put(f"{url}/attendance", json={"items": invited}, timeout=10)
    follow_up = {"text": {"id": "Siapkan"}, "owner_stakeholder_id": organisations[0]}
    follow_up = session.post(f"{url}/follow-ups", json=follow_up, timeout=10).json()["id"]
    ballot = {
        "title": {"id": "Setuju?"},
        "method": "consensus",
        "rule": {"threshold_percent": 60},
        "quorum": 1,
        "unit": "organization",
    }
    for reason in (None, "Siap."):
        made = session.post(f"{url}/stages/{stage}/ballots", json=ballot, timeout=10).json()["id"]
        if reason:
            act(f"{program}/ballots/{made}", "opening", {"reason": reason})
            for one in organisations:
                session.put(f"{program}/ballots/{made}/votes/{one}", json={"value": "agree"}, timeout=10)
    return {"event_id": [event], "stage_id": [stage], "follow_up_id": [follow_up]}


def publish(program):
    """Publishes what the demo adopted; answers the codes of what everybody may read."""
    codes = []
    for statement in session.get(f"{program}/statements", timeout=10).json().get("items", []):
        if statement["state"] == "adopted":
            answer = act(f"{program}/statements/{statement['id']}", "publication", {"reason": "Untuk umum."})
            codes += [statement["code"]] if answer.status_code == 200 else []
    return codes


def spare(case, known):
    """Lets the run's own sign-in go on: whatever would change it is asked of something that is not there."""
    if case.operation.method.upper() != "GET":
        for name, value in (case.path_parameters or {}).items():
            if value in known[OWN]:
                case.path_parameters[name] = str(uuid.uuid4())


def name_things(case, known):
    archives = case.operation.definition.raw.get("operationId") == "archive_program"
    for name in case.path_parameters or {}:
        of_program = "/programs/{program}/" in case.operation.path
        pool = known.get("participant" if name == "stakeholder_id" and of_program else name)
        if name == "program":
            case.path_parameters[name] = ANOTHER if archives else PROGRAM
        elif name == "edition":
            case.path_parameters[name] = 1
        elif name == "revision":
            case.path_parameters[name] = chance.choice([1, 1, 2])
        elif pool and chance.random() < 0.75:
            case.path_parameters[name] = chance.choice(pool)


def fit(value, known):
    """A body with ids that there are, and texts in the source language."""
    if isinstance(value, list):
        return [fit(item, known) for item in value]
    if not isinstance(value, dict):
        return value
    fitted = {}
    for name, member in value.items():
        if isinstance(member, str) and known.get(name):
            member = chance.choice(known[name])
        elif name == "electorate":
            member = known["participant"][: len(member or [])]
        elif name == "stakeholder_ids":
            member = known["participant"][: len(member or [])]
        elif isinstance(member, list) and known.get(name.removesuffix("s")):
            member = [chance.choice(known[name.removesuffix("s")])] if member else []
        elif name == "emphases" and all(isinstance(one, str) for one in member or []):
            member = member and []
        elif name in TEXTS and isinstance(member, dict) and member and "text" not in member:
            member = {"id": "Kalimat percobaan", **member}
        elif name in TEXTS and isinstance(member, list):
            member = [{"id": "Kalimat percobaan", **one} if isinstance(one, dict) else one for one in member]
        else:
            member = fit(member, known)
        fitted[name] = member
    return fitted


def address(case):
    """The resource that an operation changes: its path up to the last parameter, so acts and revisions ask their subject.
    A key is a part of its client."""
    path = case.operation.path.removesuffix("/keys/{key_id}")
    if "}" in path:
        path = path[: path.rindex("}") + 1]
    for name, value in (case.path_parameters or {}).items():
        path = path.replace("{" + name + "}", quote(str(value), safe=""))
    return case.operation.base_url.rstrip("/") + path


def as_it_is(value):
    """A file as it is. What is no text goes out as bytes that are none either: as a line, any JSON would be some file."""
    if isinstance(value, bytes):
        return value
    return value.encode(errors="replace") if isinstance(value, str) else b"\xff"


@schemathesis.serializer("application/x-ndjson")
def lines_of_json(context, value):
    return as_it_is(value)


@schemathesis.serializer("text/csv")
def rows_of_cells(context, value):
    return as_it_is(value)


@schemathesis.hook
def before_call(context, case, kwargs):
    known = there_is(case.operation.base_url.rstrip("/"))
    spare(case, known)
    if case.meta is None:
        return
    path = case.meta.components.get(ParameterLocation.PATH)
    if path is None or path.mode == GenerationMode.POSITIVE:
        name_things(case, known)
    query = case.meta.components.get(ParameterLocation.QUERY)
    if case.query and (query is None or query.mode == GenerationMode.POSITIVE):
        # Nobody waits half a minute for each request, and a made-up row of a ledger is not there.
        if "wait" in case.query:
            case.query["wait"] = chance.choice([0, 0, 1])
        if "after" in case.query:
            case.query["after"] = "0"
    if case.meta.generation.mode == GenerationMode.POSITIVE and isinstance(case.body, dict):
        case.body = fit(case.body, known)
    headers = case.meta.components.get(ParameterLocation.HEADER)
    right = headers is None or headers.mode == GenerationMode.POSITIVE
    if right and case.headers and "If-Match" in case.headers:
        answer = session.get(address(case), timeout=10)
        if answer.status_code == 200 and "ETag" in answer.headers:
            case.headers["If-Match"] = answer.headers["ETag"]
