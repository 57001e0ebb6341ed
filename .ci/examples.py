"""The example clients against a started service, on both databases: what they send is received, decided on and its outcome
shown; what they follow they have in the end, whatever happens meanwhile (mirrors.py).

usage: python3 .ci/examples.py BINARY EXAMPLES        needs requests, joserfc, Node.js and PostgreSQL's server programs

EXAMPLES is a folder like examples/, in which the TypeScript clients are built. This Python runs the others.
"""

import datetime
import json
import os
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
from mirrors import Follower, change, follow, items  # noqa: E402
from service_in_ci import ADDRESS, P, Service, ask, on_each_database, sign_in  # noqa: E402

SETTINGS = {"TANGGUH_URL": ADDRESS, "TANGGUH_PROGRAM": P.rsplit("/", 1)[1], "PYTHONDONTWRITEBYTECODE": "1"}


class Killable(Service):
    """A service without limits, since its clients are in a hurry here, that can be killed."""

    def __init__(self, *given):
        super().__init__(*given)
        off = {f"TANGGUH_LIMIT_{who}": "off" for who in ("ACCOUNTS", "CLIENTS", "VISITORS")}
        self.environment |= off | {"RUST_LOG": "warn"}

    def kill_and_start(self):
        self.process.kill()
        self.process.wait()
        self.start()


class Client:
    """A machine's credentials for an organisation of the demo, with all that its role reads and may send."""

    def __init__(self, role, token, stakeholder):
        rules = [row["rule"] for row in json.loads(ask("/api/v1/access/matrix", token)[1])["items"] if row["rule"]]
        held = {rule["action"] for rule in rules if role in rule["roles"]}
        wanted = {"program.follow", "input.send", "input.withdraw"}
        # Some things only people are given.
        for_clients = json.loads(ask("/.well-known/oauth-authorization-server")[1])["scopes_supported"]
        reads = {action for action in held & set(for_clients) if action.endswith(".read")}
        self.scopes = sorted(reads | held & wanted)
        new = {"role": role, "name": f"A system of the {role}'s", "purpose": "To be tried.", "scopes": self.scopes,
               "stakeholder_id": stakeholder,
               "expires_on": str(datetime.date.today() + datetime.timedelta(days=90))}  # fmt: skip
        made = json.loads(ask(f"{P}/clients", token, new)[1])
        self.id = made["id"]
        self.key = change(f"clients/{self.id}/keys", token, made["revision"], {})["key"]

    def revision(self, token):
        return json.loads(ask(f"{P}/clients/{self.id}", token)[1])["revision"]

    def revoke(self, token):
        change(f"clients/{self.id}/revocation", token, self.revision(token), {"reason": "Another takes over."})

    def narrow(self, token, *without):
        scopes = [scope for scope in self.scopes if scope not in without]
        change(f"clients/{self.id}", token, self.revision(token), {"scopes": scopes}, method="PATCH")


def run(command, environment, ends_with=0):
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, timeout=60)
    if done.returncode != ends_with:
        sys.exit(f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def many(folder, name):
    """More than one batch takes, and one record among them that is wrong."""
    records = [{"kind": "comment", "text": f"Number {n}.", "language": "en", "external_ref": f"{name}/{n}"}
               for n in range(520)]  # fmt: skip
    records[7]["kind"] = "rant"
    file = folder / f"{name}.json"
    file.write_text(json.dumps(records))
    return str(file)


def submit(folder, name, command, client, sample, tokens):
    """Sends singly by the key, again by a token, many in batches; decides on one and sees the outcome."""
    key = folder / f"{name}.submit.key"
    key.write_text(client.key)
    environment = SETTINGS | {"TANGGUH_KEY_FILE": str(key), "TANGGUH_RECEIPTS": str(folder / f"{name}.receipts")}
    told = run([*command, "send", sample, "--one-by-one"], environment)
    first, *others = told.splitlines()
    assert all("received as I-" in line and line.endswith("receipt verified") for line in [first, *others]), told
    again = run([*command, "send", sample], environment | {"TANGGUH_CLIENT_ID": client.id})
    assert again == told.replace("received as", "was there already as"), again
    apart = environment | {"TANGGUH_RECEIPTS": str(folder / f"{name}.many")}
    told = run([*command, "send", many(folder, name)], apart, ends_with=1)
    assert told.count("receipt verified") == 519 and f"{name}/7: refused, 422" in told and "/kind: one_of" in told, told
    reference = first.split(":")[0]
    decide(reference, tokens["secretariat"])
    told = run([*command, "outcomes"], environment)
    assert f"{reference} (I-" in told and "accepted: It was made sharper." in told, told
    assert "came of it: question Q-" in told and told.count("next: secretariat") > 1, told
    # A receipt with another letter in it must not hold.
    kept = folder / f"{name}.receipts" / f"{reference}.json"
    receipt = json.loads(kept.read_text())
    head, payload, signature = receipt["receipt"].split(".")
    kept.write_text(json.dumps(receipt | {"receipt": f"{head}.{payload}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"}))
    done = subprocess.run([*command, "outcomes"], env=os.environ | environment, capture_output=True, text=True)
    assert done.returncode != 0 and reference not in done.stdout, "a forged receipt was taken"


def decide(reference, token):
    [one] = items("inputs", token, f"&external_ref={reference}")
    question = items("questions", token)[0]
    step = {"to": "acknowledged", "reason": "Read."}
    one = change(f"inputs/{one['id']}/transitions", token, one["revision"], step)
    effect = {"kind": "question", "id": question["id"], "revision": question["revision"]}
    body = {"kind": "accepted", "text": {"id": "Dipertajam.", "en": "It was made sharper."}, "effects": [effect]}
    change(f"inputs/{one['id']}/decision", token, one["revision"], body)


def try_all(service, signs, examples):
    folder = signs.parent
    tokens = {role: sign_in(signs, role) for role in ("lead", "secretariat", "facilitator", "agency", "partner")}
    own = {}
    for role in ("agency", "partner"):
        own[role] = json.loads(ask("/api/v1/me/memberships", tokens[role])[1])["items"][0]["stakeholder_id"]
    own["observer"] = own["agency"]

    def make_client(role, token):
        return Client(role, token, own[role])

    python, node = examples / "python", examples / "typescript/built"
    scripts = {"python": [sys.executable, f"{python}/submit.py"], "typescript": ["node", f"{node}/submit.js"]}
    for role, (name, command) in zip(("partner", "agency"), scripts.items()):
        submit(folder, name, command, make_client(role, tokens[role]), str(examples / name / "records.csv"), tokens)
    environment = os.environ | SETTINGS
    mirror = Follower(folder, "python-mirror", [sys.executable, f"{python}/mirror.py"], "copy.sqlite", environment)
    other = Follower(folder, "typescript-mirror", ["node", f"{node}/mirror.js"], "copy.json", environment)
    try:
        return follow(service, tokens, make_client, (mirror, other))
    finally:
        for follower in (mirror, other):
            if hasattr(follower, "process"):
                follower.process.kill()


def main():
    binary, examples = sys.argv[1:]
    for name, service, signs in on_each_database(binary, "examples", Killable):
        told = try_all(service, signs, pathlib.Path(examples).resolve())
        print(f"{name}: both sent, and saw the outcome; {told}")


main()
