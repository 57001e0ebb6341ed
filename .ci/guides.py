"""Runs the guides' shell, block by block, against the demo on SQLite and on PostgreSQL, as a reader would that has an access
token of the role that the guide names. A block of `bash` is run. What its comments promise must come: a status, and after
it, in backticks, headers and members of the body. What stands in a block of `json` or `text` right behind it must be what
it prints, where "…" is anything. Shell that is not run, or a block that does not say what it is, is a fault.

usage: python3 .ci/guides.py BINARY        needs bash, curl, jq, requests and PostgreSQL's server programs
"""

import datetime
import json
import os
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True
from service_in_ci import ADDRESS, ROOT, on_each_database, sign_in  # noqa: E402

GUIDES = [
    "docs/guides/accounts.md",
    "docs/guides/submit-input.md",
    "docs/guides/mirror-a-programme.md",
    "docs/webhooks.md",
]
OTHERS = {"json", "text", "http", "python"}
BLOCK = re.compile(r"^( *)```([^\n]*)\n(.*?)^\1```$", re.M | re.S)
MARK = "== block"
# A body need not end its line.
BEGINS = r"(?:^|(?<=}))HTTP/[\d.]+ (?=[1-5]\d\d\b)"


class Block:
    """One that is run, and what is promised of it."""

    def __init__(self, line, text):
        self.line, self.text, self.prints = line, text, None
        promised = re.findall(r"# ([1-5]\d\d)\b(.*)", text)
        self.promises = [(int(status), re.findall(r"`([\w-]+)`", more)) for status, more in promised]

    def must_have(self, told):
        """What it told is what it promises."""
        answers = re.split(BEGINS, told.replace("\r\n", "\n"), flags=re.M)[1:]
        statuses = [int(answer[:3]) for answer in answers]
        assert statuses == [status for status, _ in self.promises], f"it promises {self.promises} and got {statuses}"
        for (_, names), answer in zip(self.promises, answers):
            head, body = answer.split("\n\n", 1)
            headers = {line.split(":")[0].lower() for line in head.splitlines()}
            for name in names:
                there = name.lower() in headers if name[0].isupper() else json.loads(body).get(name) is not None
                assert there, f"{name} is promised, and not there"
        if self.prints is not None:
            wanted = re.escape(self.prints.strip()).replace("…", "[^\n]*")
            assert re.fullmatch(wanted, told.strip()), f"it prints other than {self.prints}"
        elif not self.promises:
            assert not told.strip(), "it prints what the guide does not tell of"


def blocks(guide):
    """What is run of a guide, in order."""
    found, end = [], None
    text = (ROOT / guide).read_text()
    for block in BLOCK.finditer(text):
        indent, language, content = block.groups()
        line = text.count("\n", 0, block.start()) + 1
        content = re.sub(f"^{indent}", "", content, flags=re.M)
        if language == "bash":
            found.append(Block(line, content))
            end = block.end()
        elif language not in OTHERS:
            sys.exit(f"{guide}:{line}: a block of {language or 'what?'}; one that is run is of bash")
        elif end is not None and language in ("json", "text") and not text[end : block.start()].strip():
            found[-1].prints = content
    assert found, f"nothing of {guide} is run"
    return found


def script(guide, parts, signs):
    text = "\n".join(f"printf '\\n{MARK}\\n'\n{part.text}" for part in parts)
    text = re.sub(r"https://tangguh\.example\.org|http://127\.0\.0\.1:8080", ADDRESS, text)
    text = re.sub(r"TOKEN=…(?= +# an? (\w+)'s access token)", lambda role: f"TOKEN={sign_in(signs, role[1])}", text)
    assert "…" not in text, f"{guide}: something is left out that nothing says how to fill in"
    # A guide's date must lie ahead, also when the guide is old.
    ahead = datetime.date.today() + datetime.timedelta(days=180)
    return "set -euo pipefail\n" + re.sub(r'("expires_on": )"[\d-]+"', rf'\1"{ahead}"', text)


def run(guide, signs):
    parts = blocks(guide)
    folder = signs.parent / pathlib.Path(guide).stem
    folder.mkdir()
    (folder / "examples").symlink_to(ROOT / "examples")
    # The Python that runs this has what the example needs.
    environment = os.environ | {
        "PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = ["timeout", "90", "bash", "-c", script(guide, parts, signs)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    told = done.stdout.split(f"\n{MARK}\n")[1:]
    for number, (part, printed) in enumerate(zip(parts, told), 1):
        try:
            broken = done.returncode != 0 and number == len(told)
            assert not broken, f"it ended with {done.returncode}\n{done.stderr}"
            part.must_have(printed)
        except AssertionError as fault:
            sys.exit(f"{guide}:{part.line}: {fault}\n{printed}")
    assert len(told) == len(parts), done.stderr
    return len(parts), sum(len(part.promises) + (part.prints is not None) for part in parts)


def main():
    for name, _, signs in on_each_database(sys.argv[1], "guides"):
        ran, kept = (sum(counts) for counts in zip(*(run(guide, signs) for guide in GUIDES)))
        print(f"{name}: {ran} blocks of the guides ran, and kept the {kept} promises that they make")


main()
