"""Walks the README's tour, block by block, on SQLite and on PostgreSQL: each status that it promises must come, and both
databases must answer the same once ids, times and tags are masked.

usage: python3 .ci/tour.py BINARY        needs bash, curl, jq and PostgreSQL's server programs
"""

import json
import re
import subprocess
import sys

sys.dont_write_bytecode = True
from service_in_ci import ADDRESS, ROOT, on_each_database  # noqa: E402


def script(sign_ins):
    """The tour's blocks as one script: with this service's address and passwords, each block told by a heading."""
    blocks = re.findall(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert len(blocks) > 5, "the README's tour was not found"
    text = "\n".join(f"echo '== {number}'\n{block}" for number, block in enumerate(blocks, 1))
    text = text.replace("http://127.0.0.1:8080", ADDRESS)
    for role, account in sign_ins["accounts"].items():
        text = re.sub(rf"tgh_demo_…(?= +# the {role}'s)", account["password"], text)
    assert "tgh_demo_…" not in text, "a password of the tour says not whose it is"
    return "set -euo pipefail\n" + text


def promised():
    """The statuses that the tour's comments tell of, in order."""
    blocks = re.findall(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    return re.findall(r"# ([1-5]\d\d)\b", "\n".join(blocks))


def masked(text):
    """What both databases must say alike. Headers come in no order, so the lines of a block are sorted."""
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "#", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "@", text)
    text = re.sub(r"(?im)^(access-control-expose-headers|etag|date|ratelimit|x-request-id|content-length|last-modified|repr-digest): .*$", r"\1: ~", text)
    text = re.sub(r"\"digest\":\"[^\"]*\"", '"digest":"~"', text)
    text = re.sub(r"\"?\d+\.[A-Za-z0-9_-]{16}\\?\"?|[A-Za-z0-9_-]{43,}=*", "~", text)
    return "\n".join("\n".join(sorted(block.splitlines())) for block in text.split("== "))


def walk(signs):
    told = subprocess.run(
        ["bash", "-c", script(json.loads(signs.read_text()))], capture_output=True, text=True, cwd=signs.parent
    )
    if told.returncode != 0:
        sys.exit(f"tour: it ended early\n{told.stdout}\n{told.stderr}")
    statuses = re.findall(r"^HTTP/[\d.]+ (\d+)", told.stdout, re.M)
    if statuses != promised():
        sys.exit(f"tour: it promises {promised()} and got {statuses}\n{told.stdout}")
    for number, block in enumerate(told.stdout.split("\n== ")[1:], 2):
        if len(block.splitlines()) < 2 and "null" in block:
            sys.exit(f"tour: block {number} told nothing\n{block}")
    return told.stdout


def main():
    answers = {name: walk(signs) for name, _, signs in on_each_database(sys.argv[1], "tour")}
    one, other = (masked(text).splitlines() for text in answers.values())
    for line, (left, right) in enumerate(zip(one, other), 1):
        if left != right:
            sys.exit(f"tour: line {line} differs\n  SQLite:     {left}\n  PostgreSQL: {right}")
    assert len(one) == len(other), "the databases answer differently"
    print(f"the tour's {len(promised())} statuses came on both databases, with the same answers")


main()
