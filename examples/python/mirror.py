"""Keeps a copy of a programme in a SQLite file, as far as its client may see it: a snapshot, and then each change.

  python3 mirror.py FILE [--until-current]

The copy and where it stands change in one transaction, so it may be stopped or killed at any moment and goes on from there.
It ends on SIGTERM and SIGINT, or with --until-current when it has all that there is.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import signal
import sqlite3
import sys
import time
from typing import TYPE_CHECKING

import requests

from tangguh import Connection, Refused, tell

if TYPE_CHECKING:
    from api_types import Change, ChangePage

# Seconds that the service may hold a request while nothing changes.
WAIT = 25
TABLES = """
create table if not exists things (
    kind text not null, id text not null, revision integer not null, content text not null, primary key (kind, id)
) without rowid;
create table if not exists standing (only integer primary key check (only = 1), after text not null);
"""


class CutOff(Exception):
    """The snapshot ended before its last line."""


class Mirror:
    def __init__(self, file: str, connection: Connection) -> None:
        self.connection = connection
        # Whether what there is cannot be brought up to date by changes.
        self.outdated = False
        self.database = sqlite3.connect(file)
        self.database.executescript(TABLES)

    def after(self) -> str | None:
        """Where the copy stands; none before the first snapshot."""
        row = self.database.execute("select after from standing").fetchone()
        return row[0] if row else None

    def follow(self, until_current: bool) -> None:
        failures = 0
        while True:
            try:
                if self.step(until_current):
                    return
                failures = 0
            except Refused as refusal:
                if refusal.name in ("view-changed", "bad-cursor"):
                    # We see other things now; or the service was restored to an earlier state than we know.
                    tell(f"{refusal.name}: a new snapshot")
                    self.outdated = True
                elif refusal.status in (401, 403, 404):
                    # No right now. It may come back, or a new key be put in the file: the copy stays as it was.
                    failures += 1
                    pause(failures, str(refusal))
                else:
                    raise
            except (CutOff, requests.RequestException) as error:
                failures += 1
                pause(failures, f"{type(error).__name__}: {error}")

    def step(self, until_current: bool) -> bool:
        """One snapshot or one page of changes. Whether all that was wanted is done."""
        after = self.after()
        if after is None or self.outdated:
            self.snapshot()
            self.outdated = False
            return False
        params: dict[str, str | int] = {"after": after, "wait": 0 if until_current else WAIT, "limit": 1000}
        answer = self.connection.ask("GET", self.connection.path("changes"), params=params, timeout=WAIT + 15)
        page: ChangePage = answer.json()
        with self.database:
            for change in page["items"]:
                self.apply(change)
            self.stand(page["after"])
        if page["items"]:
            tell(f"{len(page['items'])} changes, to {page['after']}")
        return until_current and int(page["after"].split(".")[0]) >= page["head_sequence"]

    def apply(self, change: Change) -> None:
        """The same change twice does no harm."""
        named = (change["subject_kind"], change["subject_id"])
        if change["op"] == "gone":
            self.database.execute("delete from things where kind = ? and id = ?", named)
        else:
            self.put(*named, change["revision"], change.get("content"))

    def put(self, kind: str, thing: str, revision: int, content: object) -> None:
        text = json.dumps(content, ensure_ascii=False)
        self.database.execute("insert or replace into things values (?, ?, ?, ?)", (kind, thing, revision, text))

    def stand(self, after: str) -> None:
        self.database.execute("insert or replace into standing values (1, ?)", (after,))

    def snapshot(self) -> None:
        """Puts a whole snapshot in the place of the copy, or leaves the copy as it was."""
        path = self.connection.path("snapshot")
        count = 0
        # The service holds nothing back for a slow reader, so the lines may go straight into the transaction.
        with self.connection.ask("GET", path, timeout=60, stream=True) as answer, self.database:
            self.database.execute("delete from things")
            for line in answer.iter_lines():
                told = json.loads(line)
                if "end" in told:
                    if told["count"] != count:
                        raise CutOff(f"{told['count']} lines were promised and {count} came")
                    self.stand(told["after"])
                    tell(f"a snapshot of {count} things, to {told['after']}")
                    return
                self.put(told["kind"], told["id"], told["revision"], told["content"])
                count += 1
            raise CutOff("the last line did not come")


def pause(failures: int, why: str) -> None:
    """Longer with each failure, and never all followers at the same moment."""
    seconds = random.uniform(0.5, 1.0) * min(60.0, 0.25 * 2**failures)
    tell(f"{why}; again in {seconds:.1f} s")
    time.sleep(seconds)


def stop(*_: object) -> None:
    """At once: a transaction that is open is undone, and what it would have kept will be asked for again."""
    raise SystemExit(0)


def main() -> None:
    parser = argparse.ArgumentParser(description="Keeps a copy of a programme.")
    parser.add_argument("file")
    parser.add_argument("--until-current", action="store_true")
    given = parser.parse_args()
    mirror = Mirror(given.file, Connection(patience=math.inf))
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        mirror.follow(given.until_current)
    except Refused as refusal:
        sys.exit(f"mirror: {refusal}")


if __name__ == "__main__":
    main()
