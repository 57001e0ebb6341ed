"""Sends records as inputs, keeps and verifies their receipts, and shows later what became of each.

  python3 submit.py send FILE [--one-by-one]   FILE is CSV, or a JSON list of inputs
  python3 submit.py outcomes

What was received stands in the folder `receipts` (TANGGUH_RECEIPTS): the record's reference, the receipt and the key that it
verified with. `send` may be run again with the same file at any time: nothing is there twice. It ends with 1 if a record
was refused.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import pathlib
import sys
import urllib.parse
import uuid
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import KeySet

from tangguh import Connection, Refused, tell

if TYPE_CHECKING:
    from api_types import BatchResult, Input, InputBatch, InputOutcome, NewInput

# RFC 9864 would have the algorithm named "Ed25519"; the keys of this service say "EdDSA", and are Ed25519.
warnings.simplefilter("ignore", SecurityWarning)

BATCH = 500
# A body may have 4 MiB; a text 20,000 characters, so that a batch of the longest needs to be cut.
BATCH_BYTES = 3_500_000
RECEIPTS = pathlib.Path(os.environ.get("TANGGUH_RECEIPTS", "receipts"))


def records(file: pathlib.Path) -> list[NewInput]:
    """The inputs of a file. Each needs a reference of its own, by which it may be sent again."""
    if file.suffix == ".json":
        found: list[NewInput] = json.loads(file.read_text("utf-8"))
    else:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            found = [from_row(row) for row in csv.DictReader(lines)]
    for number, record in enumerate(found, 1):
        if not record.get("external_ref"):
            sys.exit(f"record {number} has no external_ref")
    return found


def from_row(row: dict[str, Any]) -> NewInput:
    record: NewInput = {
        "kind": row["kind"],
        "text": row["text"],
        "language": row["language"],
        "external_ref": row["external_ref"],
    }
    if row.get("links"):
        record["links"] = row["links"].split()
    return record


def written(content: NewInput | InputBatch) -> bytes:
    """The body as it goes out: its SHA-256 is what the receipt is for."""
    return json.dumps(content, ensure_ascii=False).encode()


class Sender:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.keys: KeySet | None = None
        self.refused = 0

    def one(self, record: NewInput) -> None:
        body = written(record)
        try:
            answer = self.connection.ask("POST", self.connection.path("inputs"), body=body)
        except Refused as refusal:
            self.refuse(record, str(refusal), refusal.errors)
            return
        received: Input = answer.json()
        place = answer.links["receipt"]["url"]
        self.keep(record, received["id"], place, body, new=answer.status_code == 201)

    def batch(self, some: list[NewInput]) -> None:
        body = written({"mode": "each", "items": some})
        # One name for all repeats of this request: a lost answer is given once more.
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        answer = self.connection.ask("POST", self.connection.path("inputs/batch"), body=body, headers=headers)
        result: BatchResult = answer.json()
        for item in result["items"]:
            record, problem, place = some[item["index"]], item.get("problem"), item.get("location")
            if place:
                self.keep(record, str(item.get("id")), f"{place}/receipt", body, new=item["status"] == 201)
            elif problem:
                errors: list[Any] = list(problem.get("errors") or [])
                self.refuse(record, f"{item['status']} {problem['type']}: {problem.get('detail')}", errors)

    def refuse(self, record: NewInput, why: str, errors: list[dict[str, Any]]) -> None:
        self.refused += 1
        details = "".join(f"\n    {error['pointer']}: {error['code']}, {error['detail']}" for error in errors)
        print(f"{record.get('external_ref')}: refused, {why}{details}")

    def keep(self, record: NewInput, input_id: str, place: str, body: bytes, *, new: bool) -> None:
        """Gets the receipt, verifies it and keeps it."""
        receipt = self.connection.ask("GET", place, headers={"Accept": "application/jose"}).text
        claims = self.verified(receipt)
        reference = str(record.get("external_ref"))
        same = claims["digest"] == hashlib.sha256(body).hexdigest()
        if claims["input_id"] != input_id or claims["external_ref"] != reference or (new and not same):
            raise SystemExit(f"{reference}: the receipt is not for what was sent")
        kept = {"input_id": input_id, "code": claims["code"], "external_ref": reference, "receipt": receipt,
                "received_at": claims["received_at"], "sequence": claims["sequence"]}  # fmt: skip
        RECEIPTS.mkdir(exist_ok=True)
        # A reference may hold a slash.
        file = RECEIPTS / f"{urllib.parse.quote(reference, safe='')}.json"
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps(kept, indent=1))
        partial.replace(file)
        print(f"{reference}: {'received' if new else 'was there already'} as {claims['code']}, receipt verified")

    def verified(self, receipt: str) -> dict[str, Any]:
        """What a receipt says, if one of the service's record keys signed it."""
        if self.keys is None:
            served = self.connection.ask("GET", "/.well-known/record-keys.json")
            self.keys = KeySet.import_key_set(served.json())
        told = jws.deserialize_compact(receipt, self.keys, algorithms=["EdDSA"])
        # A signature of the same key over something else, as a statement, is no receipt.
        if told.headers().get("typ") != "tangguh-receipt+jws":
            raise SystemExit("that is not a receipt")
        claims: dict[str, Any] = json.loads(told.payload)
        return claims


def batches(all_of_them: list[NewInput]) -> Iterator[list[NewInput]]:
    some: list[NewInput] = []
    size = 0
    for record in all_of_them:
        bytes_more = len(written(record)) + 2
        if some and (len(some) == BATCH or size + bytes_more > BATCH_BYTES):
            yield some
            some, size = [], 0
        some.append(record)
        size += bytes_more
    if some:
        yield some


def send(connection: Connection, file: pathlib.Path, one_by_one: bool) -> int:
    sender = Sender(connection)
    found = records(file)
    if one_by_one:
        for record in found:
            sender.one(record)
    else:
        for some in batches(found):
            sender.batch(some)
    tell(f"{len(found) - sender.refused} of {len(found)} are there, {sender.refused} refused")
    return 1 if sender.refused else 0


def outcomes(connection: Connection) -> int:
    """What became of each input that there is a receipt of."""
    sender = Sender(connection)
    for file in sorted(RECEIPTS.glob("*.json")):
        kept = json.loads(file.read_text())
        sender.verified(kept["receipt"])
        answer = connection.ask("GET", connection.path(f"inputs/{kept['input_id']}/outcome"))
        outcome: InputOutcome = answer.json()
        late = ", overdue" if outcome["overdue"] else ""
        print(f"{kept['external_ref']} ({outcome['code']}): {outcome['state']}, due {outcome.get('due_on')}{late}")
        decision = outcome.get("decision")
        if decision:
            print(f"    {decision['kind']}: {in_english(decision['text'])}")
        for effect in outcome["effects"]:
            print(f"    came of it: {effect['kind']} {effect.get('code')}, revision {effect['revision']}")
        said = outcome.get("answer")
        if said:
            print(f"    answer: {in_english(said['text'])}")
        print(f"    next: {outcome['next_step']['who']}: {in_english(outcome['next_step']['what'])}")
    return 0


def in_english(text: Any) -> str:
    """A text in English, or in the first language that it has."""
    return str(text.get("en") or next(iter(text.values())))


def main() -> int:
    parser = argparse.ArgumentParser(description="Sends inputs to Tangguh, and shows what became of them.")
    commands = parser.add_subparsers(dest="command", required=True)
    sending = commands.add_parser("send")
    sending.add_argument("file", type=pathlib.Path)
    sending.add_argument("--one-by-one", action="store_true")
    commands.add_parser("outcomes")
    given = parser.parse_args()
    try:
        if given.command == "send":
            return send(Connection(), given.file, given.one_by_one)
        return outcomes(Connection())
    except (Refused, TimeoutError) as error:
        tell(f"submit: {error}")
        return 2


if __name__ == "__main__":
    sys.exit(main())
