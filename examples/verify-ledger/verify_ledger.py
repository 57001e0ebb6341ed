"""Verifies an exported ledger with nothing of the service that wrote it: the export, and the public keys.

  python3 verify_ledger.py EXPORT KEYS [--checkpoint FILE]

EXPORT  lines of JSON, as GET /api/v1/programs/{program}/ledger/export answers them; - for standard input
KEYS    the service's record keys, from /.well-known/record-keys.json. Keep a copy of your own: what signs, and what it
        is verified with, should not come from the same place at the same moment
FILE    checkpoints that you kept since earlier, one compact JWS on each line: the ledger must still agree with them

It says how far the ledger holds, and exits with 1 at the first thing that is wrong. Needs Python 3.11 and `cryptography`.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "tangguh-ledger/1"
TYP = "tangguh-checkpoint+jws"
# What a row says of itself beside its text, in the order in which its hash covers it, after the ledger's id.
LINE = [
    "sequence", "at", "account_id", "stakeholder_id", "action", "subject_kind", "subject_id", "revision", "request_id",
    "digest",
]  # fmt: skip

Keys = dict[str, Ed25519PublicKey]


class Wrong(Exception):
    """The ledger does not hold, or is not whole."""


def sha256(*parts: str) -> str:
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def line(ledger: str, row: dict[str, Any]) -> str:
    """The text of a row that its hash covers: a JSON array without blanks."""
    return json.dumps([ledger, *(row[name] for name in LINE)], ensure_ascii=False, separators=(",", ":"))


def opened(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def read_keys(file: TextIO) -> Keys:
    keys = json.load(file)["keys"]
    return {key["kid"]: Ed25519PublicKey.from_public_bytes(opened(key["x"])) for key in keys if key["kty"] == "OKP"}


def signed(jws: str, keys: Keys) -> dict[str, Any]:
    """What a checkpoint says, if one of the keys signed it."""
    try:
        head, payload, signature = jws.split(".")
        header = json.loads(opened(head))
        if (header["alg"], header["typ"]) != ("EdDSA", TYP):
            raise Wrong(f"a checkpoint is of another kind: {header}")
        keys[header["kid"]].verify(opened(signature), f"{head}.{payload}".encode())
        told: dict[str, Any] = json.loads(opened(payload))
    except KeyError as unknown:
        raise Wrong(f"a checkpoint was signed by a key that is not among yours, or lacks {unknown}") from unknown
    except (InvalidSignature, ValueError) as error:
        raise Wrong("a checkpoint's signature does not hold") from error
    return told


class Ledger:
    """What is known of a ledger after some of its lines."""

    def __init__(self, first: dict[str, Any], keys: Keys) -> None:
        if first.get("line") != "ledger" or first["format"] != FORMAT:
            raise Wrong(f"this is no export that begins with a line of the format {FORMAT}")
        if not first["whole"]:
            raise Wrong("this is an export of chosen rows: only a whole one can be verified")
        self.first, self.keys = first, keys
        self.hashes = [""]
        self.closed = 0
        self.signed: dict[int, str] = {}
        self.checkpoints = 0

    def row(self, row: dict[str, Any]) -> None:
        number = len(self.hashes)
        if row["sequence"] != number:
            raise Wrong(f"row {number} is missing: row {row['sequence']} stands in its place")
        if row["body"] is None:
            # Erased by law, or not for the reader's eyes: the digest stands for it.
            self.closed += 1
        elif sha256(row["salt"], row["body"], "\n", row["reason"] or "") != row["digest"]:
            raise Wrong(f"row {number}: the digest is not that of body and reason")
        if sha256(self.hashes[-1], "\n", line(self.first["ledger"], row)) != row["hash"]:
            raise Wrong(f"row {number} does not follow from the row before")
        self.hashes.append(row["hash"])

    def checkpoint(self, jws: str, beside: dict[str, Any] | None = None) -> None:
        told = signed(jws, self.keys)
        number = told["sequence"]
        if told["ledger"] != self.first["ledger"]:
            raise Wrong(f"the checkpoint of row {number} is of another ledger")
        if beside and any(told[name] != beside[name] for name in ("sequence", "hash", "at")):
            raise Wrong(f"the checkpoint of row {beside['sequence']} does not say what was signed")
        if not 0 < number < len(self.hashes):
            raise Wrong(f"row {number} was signed on {told['at']} and is missing: the ledger was cut off")
        if told["hash"] != self.hashes[number]:
            raise Wrong(f"row {number} is not the one that was signed on {told['at']}")
        self.signed[number] = told["at"]

    def end(self, last: dict[str, Any]) -> None:
        rows = len(self.hashes) - 1
        if (last["rows"], last["checkpoints"]) != (rows, self.checkpoints):
            raise Wrong(f"{last['rows']} rows and {last['checkpoints']} checkpoints were promised, and not all came")
        if (self.first["sequence"], self.first["hash"]) != (rows, self.hashes[-1]):
            raise Wrong(f"the first line names row {self.first['sequence']} as the last, and it is not")

    def told(self) -> Iterator[str]:
        rows = len(self.hashes) - 1
        yield f"ledger {self.first['ledger']} ({self.first['program'] or 'the platform'}), as of {self.first['at']}"
        yield f"rows 1 to {rows} follow from each other; the texts of {rows - self.closed} agree with their digests"
        if self.closed:
            yield f"the texts of {self.closed} are not in the export: erased by law, or not for its reader"
        if not self.signed:
            yield "nobody signed any of it: whoever holds the database could have written all of it anew"
            return
        upto = max(self.signed)
        yield f"rows 1 to {upto} are vouched for by {len(self.signed)} checkpoints, the last of {self.signed[upto]}"
        if upto < rows:
            yield f"rows {upto + 1} to {rows} came later: no checkpoint vouches for them yet"


def verify(lines: Iterable[str], keys: Keys, kept: Iterable[str] = ()) -> Ledger:
    told = (json.loads(text) for text in lines)
    ledger = Ledger(next(told, {}), keys)
    last = None
    for one in told:
        if last is not None:
            raise Wrong("there is more after the last line")
        match one["line"]:
            case "row" if not ledger.checkpoints:
                ledger.row(one)
            case "checkpoint":
                ledger.checkpoint(one["jws"], one)
                ledger.checkpoints += 1
            case "end":
                last = one
            case other:
                raise Wrong(f"a line of the kind {other!r} stands where none belongs")
    if last is None:
        raise Wrong("the last line is missing: the export was cut off")
    ledger.end(last)
    for jws in filter(None, map(str.strip, kept)):
        ledger.checkpoint(jws)
    return ledger


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export", type=argparse.FileType(encoding="utf-8"), help="lines of JSON; - for standard input")
    parser.add_argument("keys", type=argparse.FileType(encoding="utf-8"), help="from /.well-known/record-keys.json")
    parser.add_argument("--checkpoint", type=argparse.FileType(encoding="utf-8"), help="checkpoints that you kept")
    given = parser.parse_args()
    try:
        ledger = verify(given.export, read_keys(given.keys), given.checkpoint or ())
    except Wrong as wrong:
        print(f"DOES NOT HOLD: {wrong}")
        return 1
    except (KeyError, TypeError, ValueError) as error:
        print(f"DOES NOT HOLD: a line cannot be read: {error!r}")
        return 1
    print("\n".join(ledger.told()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
