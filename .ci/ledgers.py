"""Exports the demo's ledger, a programme's and the platform's, on both databases, and has them verified by the example
that has nothing of ours: before and after more was written and the keys were rotated. Whatever is changed must be found.

usage: python3 .ci/ledgers.py BINARY        needs cryptography and PostgreSQL's server programs
"""

import json
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
from service_in_ci import P, ROOT, ask, on_each_database, sign_in  # noqa: E402

VERIFIER = ROOT / "examples/verify-ledger/verify_ledger.py"


class Verifier:
    """Runs the example on exports, in a folder of its own."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / "exports"
        self.folder.mkdir()
        self.keys()

    def keys(self):
        (self.folder / "keys.json").write_bytes(ask("/.well-known/record-keys.json")[1])

    def run(self, lines, kept=None):
        """Whether it holds, and what is told."""
        (self.folder / "export").write_text("".join(json.dumps(line) + "\n" for line in lines))
        command = [sys.executable, VERIFIER, "export", "keys.json"]
        if kept:
            (self.folder / "kept").write_text("\n".join(kept) + "\n")
            command += ["--checkpoint", "kept"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        assert done.returncode in (0, 1) and not done.stderr, done.stderr
        return done.returncode == 0, done.stdout

    def must_hold(self, lines, *words, kept=None):
        holds, told = self.run(lines, kept)
        assert holds and all(word in told for word in words), told
        return told

    def must_not(self, why, lines, kept=None):
        holds, told = self.run(lines, kept)
        assert not holds and why in told, f"wanted {why!r}: {told}"


def export(path, token):
    headers, text = ask(f"{path}/ledger/export", token)
    assert headers["Content-Type"] == "application/x-ndjson"
    return [json.loads(line) for line in text.decode().splitlines()]


def but(lines, number, **changes):
    """The same lines, with this one changed."""
    return lines[:number] + [lines[number] | changes] + lines[number + 1 :]


def cut(lines, rows):
    """The same ledger without its last rows, and made to look whole."""
    kept = [line for line in lines[1:] if line["line"] == "row"][:rows]
    signed = [line for line in lines if line["line"] == "checkpoint"]
    first = lines[0] | {"sequence": rows, "hash": kept[-1]["hash"]}
    return [first, *kept, *signed, lines[-1] | {"rows": rows}]


def torment(verifier, lines):
    """Every way in which an export could be other than the ledger."""
    rows = [number for number, line in enumerate(lines) if line["line"] == "row"]
    signed = next(line for line in lines if line["line"] == "checkpoint")
    middle = rows[len(rows) // 2]
    row = lines[middle]
    verifier.must_not("the digest is not that", but(lines, middle, body=row["body"][:-1] + " }"))
    verifier.must_not("the digest is not that", but(lines, middle, reason="Another."))
    salt = ("B" if row["salt"][0] == "A" else "A") + row["salt"][1:]
    verifier.must_not("the digest is not that", but(lines, middle, salt=salt))
    for name in ["at", "action", "account_id", "request_id", "subject_id", "hash"]:
        verifier.must_not("does not follow", but(lines, middle, **{name: "x" + str(row[name])[1:]}))
    verifier.must_not("does not follow", but(lines, 0, ledger="01920000-0000-7000-8000-000000000000"))
    verifier.must_not("is missing", lines[:middle] + lines[middle + 1 :])
    verifier.must_not("is missing", lines[:middle] + [lines[middle + 1], row] + lines[middle + 2 :])
    verifier.must_not("was cut off", lines[:-1])
    verifier.must_not("was cut off", lines[:middle])
    verifier.must_not("names row", but(lines, 0, sequence=lines[0]["sequence"] + 1))
    verifier.must_not("the ledger was cut off", cut(lines, signed["sequence"] - 1))
    # Without the checkpoints too, only one that was kept elsewhere tells.
    shorter = [line for line in cut(lines, signed["sequence"] - 1) if line["line"] != "checkpoint"]
    shorter[-1] = shorter[-1] | {"checkpoints": 0}
    verifier.must_hold(shorter, "nobody signed any of it")
    verifier.must_not("the ledger was cut off", shorter, kept=[signed["jws"]])
    number = lines.index(signed)
    head, payload, signature = signed["jws"].split(".")
    other = ("B" if signature[0] == "A" else "A") + signature[1:]
    verifier.must_not("signature does not hold", but(lines, number, jws=f"{head}.{payload}.{other}"))
    verifier.must_not("does not say what was signed", but(lines, number, hash="0" * 64))


def main():
    for name, service, signs in on_each_database(sys.argv[1], "ledgers"):
        verifier = Verifier(signs.parent)
        lead, admin = sign_in(signs, "lead"), sign_in(signs, "admin")
        verifier.must_hold(export(P, lead), "nobody signed any of it")
        service.checkpoint()
        first = export(P, lead)
        verifier.must_hold(first, f"rows 1 to {first[0]['sequence']} are vouched for by 1 checkpoints")
        service.rotate()
        ask(f"{P}/phases", lead, {"number": 9, "name": {"id": "Setelah \u201ctitik periksa\u201d"}})
        verifier.must_hold(export(P, lead), "came later: no checkpoint vouches for them yet")
        service.checkpoint()
        lines = export(P, lead)
        verifier.must_not("a key that is not among yours", lines)
        # It reads new keys once a minute, and at its start.
        service.stop()
        service.start()
        verifier.keys()
        kept = [line["jws"] for line in first if line["line"] == "checkpoint"]
        told = verifier.must_hold(lines, "are vouched for by 2 checkpoints", kept=kept)
        torment(verifier, lines)
        platform = export("/api/v1", admin)
        verifier.must_hold(platform, "(the platform)", "checkpoints")
        verifier.must_not("is of another ledger", platform, kept=kept)
        print(f"{name}: {told.splitlines()[1]}, and whatever is changed is found")


main()
