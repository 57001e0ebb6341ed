"""The example clients against a started service, on both databases: what they send is received, decided on and its outcome
shown, over a bad line (bad_line.py) and where they ask too much; what they follow they have in the end, whatever happens
meanwhile (mirrors.py).

usage: python3 .ci/examples.py BINARY EXAMPLES        needs requests, joserfc, Node.js and PostgreSQL's server programs

EXAMPLES is a folder like examples/, in which the TypeScript clients are built. This Python runs the others.
"""

import concurrent.futures
import contextlib
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from bad_line import BadLine  # noqa: E402
from mirrors import Follower, change, follow, items, snapshot  # noqa: E402
from service_in_ci import ADDRESS, P, PORT, Service, ask, on_each_database, sign_in  # noqa: E402

# Fewer requests in a minute than sending one file singly takes, and not less than half of them.
FEW = 5
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

    @contextlib.contextmanager
    def strict(self):
        """Beside it another instance, which lets a client ask little: its address. Each counts by itself."""
        address = f"http://127.0.0.1:{PORT + 1}"
        process = self.run("serve", "--listen", address.removeprefix("http://"), "--public-url", ADDRESS,
                           "--limit-clients", f"{FEW}/1000", "--no-worker")  # fmt: skip
        try:
            self.until_ready(address)
            yield address
        finally:
            process.terminate()
            process.wait()


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
    return run_and_watch(command, environment, ends_with)[0]


def run_and_watch(command, environment, ends_with=0):
    """What it answered, and what it told whoever watches."""
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, timeout=120)
    # Of a thread too.
    if done.returncode != ends_with:
        raise AssertionError(f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout, done.stderr


def a_file(folder, name, count):
    """Records that nobody sent yet."""
    file = folder / f"{name}.json"
    file.write_text(json.dumps([{"kind": "comment", "text": f"Number {n}.", "language": "en", "external_ref": f"{name}/{n}"}
                                for n in range(count)]))  # fmt: skip
    return str(file)


def over_a_bad_line(folder, name, submit, mirror, client):
    """Sends singly by the key and in a batch by a token, sees the outcomes and follows, where each operation meets every
    fault once."""
    line = BadLine()
    key = folder / f"{name}.bad-line.key"
    key.write_text(client.key)
    environment = SETTINGS | {"TANGGUH_URL": line.url, "TANGGUH_KEY_FILE": str(key),
                              "TANGGUH_RECEIPTS": str(folder / f"{name}.bad-line")}  # fmt: skip
    told = run([*submit, "send", a_file(folder, f"{name}-singly", 2), "--one-by-one"], environment).splitlines()
    # The answer that was lost had said "received".
    assert f"{name}-singly/0: was there already as I-" in told[0] and f"{name}-singly/1: received as I-" in told[1], told
    by_token = environment | {"TANGGUH_CLIENT_ID": client.id}
    told = run([*submit, "send", a_file(folder, f"{name}-batch", 3)], by_token)
    # The same answer comes again, by the Idempotency-Key.
    assert told.count("received as I-") == told.count("receipt verified") == 3, told
    assert line.replays["POST /api/v1/programs/jakarta-berketahanan/inputs/batch"] > 0, line.replays
    told = run([*submit, "outcomes"], environment)
    assert told.count("next: secretariat") == 5, told
    run([*mirror, "--until-current"], environment)
    operations = ["GET /.well-known/record-keys.json", "POST /api/v1/oauth/token"]
    operations += [f"POST {P}/inputs", f"POST {P}/inputs/batch"]
    operations += [f"GET {P}/{what}" for what in ("inputs/{id}/receipt", "inputs/{id}/outcome", "snapshot", "changes")]
    line.must_have_been_overcome(operations)
    return environment


def waits_for_long(folder, name, mirror, client):
    """Who follows and is past a day's share does not ask before its end."""
    environment = os.environ | SETTINGS | {"TANGGUH_URL": BadLine(retry_after=36000).url}
    *command, copy = mirror
    follower = Follower(folder, f"{name}-waiting", command, f"waiting-{pathlib.Path(copy).name}", environment)
    follower.use(client.key)
    follower.start()
    try:
        waits = re.compile(r"^429: again in 36000\.\d s$", re.M)
        follower.wait_until(lambda: waits.search(follower.log.read_text()), "does not wait as long as it is asked to")
    finally:
        follower.process.kill()


def past_its_share(folder, name, submit, client, address):
    """Sends singly where that is more than is allowed in a minute, and goes on when the next begins."""
    key = folder / f"{name}.share.key"
    key.write_text(client.key)
    environment = SETTINGS | {"TANGGUH_URL": address, "TANGGUH_KEY_FILE": str(key),
                              "TANGGUH_RECEIPTS": str(folder / f"{name}.share")}  # fmt: skip
    # All of it in one minute, if nobody held it up.
    if time.time() % 60 > 55:
        time.sleep(60 - time.time() % 60)
    began = time.monotonic()
    told, seen = run_and_watch([*submit, "send", a_file(folder, f"{name}-share", FEW - 1), "--one-by-one"], environment)
    waits = [float(seconds) for seconds in re.findall(r"^429: again in ([\d.]+) s$", seen, re.M)]
    assert len(waits) == 1 and time.monotonic() - began > waits[0] - 0.1, (waits, seen)
    assert told.count("receipt verified") == told.count("received as I-") == FEW - 1, told


def in_trouble(service, folder, token, make_client, programs):
    """Both clients on bad lines and past their shares at the same time; then all is there, and nothing twice."""
    before = len(every_input(token))
    with service.strict() as address, concurrent.futures.ThreadPoolExecutor() as threads:
        roles = dict(zip(programs, ("partner", "agency")))
        shares = [threads.submit(past_its_share, folder, name, submit, make_client(roles[name]), address)
                  for name, (submit, _) in programs.items()]  # fmt: skip
        clients = {name: make_client(roles[name]) for name in programs}
        lines = [threads.submit(over_a_bad_line, folder, name, submit, mirror, clients[name])
                 for name, (submit, mirror) in programs.items()]  # fmt: skip
        days = [threads.submit(waits_for_long, folder, name, mirror, clients[name])
                for name, (_, mirror) in programs.items()]  # fmt: skip
        [one.result() for one in shares + days]
        environments = [one.result() for one in lines]
    sent = [one["external_ref"] for one in every_input(token)[before:]]
    wanted = {f"{name}-{what}/{n}" for name in programs
              for what, count in (("singly", 2), ("batch", 3), ("share", FEW - 1)) for n in range(count)}  # fmt: skip
    assert set(sent) == wanted and len(sent) == len(wanted), sorted(sent)
    for (name, (_, mirror)), environment in zip(programs.items(), environments):
        run([*mirror, "--until-current"], environment)
        copy = Follower(folder, name, mirror[:-1], mirror[-1], {})
        assert copy.held() == snapshot(clients[name].key), f"the copy of {name} is another"


def every_input(token):
    """In the order in which they came."""
    found, cursor = [], ""
    while cursor is not None:
        page = json.loads(ask(f"{P}/inputs?limit=200&sort=created_at{cursor and f'&cursor={cursor}'}", token)[1])
        found, cursor = found + page["items"], page["next_cursor"]
    return found


def many(folder, name):
    """More than one batch takes, and one record among them that is wrong."""
    file = pathlib.Path(a_file(folder, name, 520))
    records = json.loads(file.read_text())
    records[7]["kind"] = "rant"
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
    mirrors = {"python": [sys.executable, f"{python}/mirror.py", str(folder / "bad-line.sqlite")],
               "typescript": ["node", f"{node}/mirror.js", str(folder / "bad-line.json")]}  # fmt: skip
    both = {name: (scripts[name], mirrors[name]) for name in scripts}
    in_trouble(service, folder, tokens["secretariat"], lambda role: make_client(role, tokens["lead"]), both)
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
        print(f"{name}: both sent, on bad lines and past their shares too, and saw the outcome; {told}")


main()
