"""Prints the addresses of the pages for people that a service shows to everybody, in both languages.

What the demo adopted is published first, by the lead whose token is in TANGGUH_TOKEN.

Fails unless there are minutes and statements among them: with none, what looks at them would find nothing wrong.
"""

import json
import os
import sys
import urllib.request


def items(address):
    """Every item of a list, page by page."""
    cursor = ""
    while cursor is not None:
        with urllib.request.urlopen(f"{address}?limit=200&cursor={cursor}" if cursor else f"{address}?limit=200") as answer:
            page = json.load(answer)
        yield from page["items"]
        cursor = page["next_cursor"]


def publish(service):
    """Publishes every statement that is adopted."""
    authorization = {"Authorization": f"Bearer {os.environ['TANGGUH_TOKEN']}", "Content-Type": "application/json"}

    def ask(path, data=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(f"{service}/api/v1/{path}", data, authorization | headers)
        with urllib.request.urlopen(request) as answer:
            return answer.headers["ETag"], json.load(answer)

    for program in ask("programs")[1]["items"]:
        for statement in ask(f"programs/{program['slug']}/statements?state=adopted")[1]["items"]:
            path = f"programs/{program['slug']}/statements/{statement['id']}"
            ask(f"{path}/publication", b'{"reason": "Untuk umum."}', If_Match=ask(path)[0])


def main(service):
    publish(service)
    found = {"events": [], "statements": []}
    for program in items(f"{service}/api/v1/public/programs"):
        below = f"{service}/api/v1/public/programs/{program['slug']}"
        found["events"] += [event["minutes"] for event in items(f"{below}/events")]
        found["statements"] += [statement["url"] for statement in items(f"{below}/statements")]
    for kind, paths in found.items():
        if not paths:
            sys.exit(f"the demo shows no {kind} to everybody: there is nothing to look at")
        for path in paths:
            for language in ("id", "en"):
                print(f"{service}{path}?lang={language}")


main(sys.argv[1])
