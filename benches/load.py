"""Measures the service on one database under load: set-up, rounds, medians, floors. Started by load.sh."""

import datetime
import json
import os
import pathlib
import re
import secrets
import statistics
import sys
import tempfile

from service import HERE, JAKARTA, PORT, ROUNDS, SECONDS, Postgres, Service, Sqlite, machine, run, told

CONNECTIONS = 64
# As many writes at once keep the writing threads busy.
WRITES_AT_ONCE = 16
PROGRAMS = 10
QUESTIONS_EACH = 40

# What each figure must reach: as a share of /livez, of another figure, or as a number.
FLOORS = {
    "sqlite": {"one": 0.25, "page": 0.06},
    "postgres": {"one": 0.17, "page": 0.045},
}
FLOORS_OF_BOTH = {"304 of one": 1.0, "page 200 of page 1": 0.9, "revise, 1 programme": 0.5, "revise, 10 programmes": 0.5}
CEILINGS = {"p99 of one, ms": 10, "memory at rest, MB": 80, "ready after, ms": 150}


def ten_programs(service):
    """Ten programmes with questions, made through the API by those who may."""
    members = service.get(f"/api/v1/programs/{JAKARTA}/memberships", "admin")[0]["items"]
    members = {member["role"]: member for member in members}
    for number in range(1, PROGRAMS + 1):
        slug = f"kota-{number}"
        name = {"id": f"Kota {number}", "en": f"City {number}"}
        service.post(
            "/api/v1/programs",
            {"slug": slug, "source_language": "id", "name": name, "time_zone": "Asia/Jakarta"},
            "admin",
        )
        for role in ["secretariat", "facilitator"]:
            held = {key: members[role][key] for key in ["account_id", "stakeholder_id", "role"]}
            service.post(f"/api/v1/programs/{slug}/memberships", held | {"from_on": "2020-01-01"}, "admin")
        area = service.post(
            f"/api/v1/programs/{slug}/focus-areas", {"names": [{"name": name}]}, "secretariat"
        )
        for question in range(QUESTIONS_EACH):
            text = {"id": f"Pertanyaan {question}?", "en": f"Question {question}?"}
            service.post(
                f"/api/v1/programs/{slug}/questions", {"focus_area_id": area["id"], "text": text}, "facilitator"
            )


def wrk(path, *arguments, connections=CONNECTIONS, seconds=SECONDS, environment=None):
    """Requests for each second, and the 99th percentile in milliseconds."""
    told = run(
        ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "--latency", *arguments, f"http://127.0.0.1:{PORT}{path}"],
        env=environment,
    )
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)|Refused: ([1-9]\d*)|Socket errors: (.*)", told)
    if refused:
        sys.exit(f"load: {path}: {told}")
    amount, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", told).groups()
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", told)[1])
    return rate, float(amount) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def revise(service, folder, slugs, seconds=SECONDS):
    lines = []
    for slug in slugs:
        cursor, place = "", f"/api/v1/programs/{slug}/questions"
        while cursor is not None:
            page = service.get(f"{place}?limit=200{cursor and '&cursor='}{cursor}")[0]
            lines += [
                f"{place}/{item['id']}/revisions {item['id']} {item['revision']}\n"
                for item in page["items"]
                if item["state"] in ("draft", "proposed")
            ]
            cursor = page["next_cursor"]
    # Those of all programmes take turns.
    lines.sort(key=lambda line: line.split()[1][::-1])
    questions = pathlib.Path(folder) / "questions.txt"
    questions.write_text("".join(lines))
    environment = os.environ | {
        "QUESTIONS": str(questions),
        "TOKEN": service.tokens["facilitator"],
        "RUN": secrets.token_hex(6),
        "WRK_THREADS": "2",
    }
    arguments = ["-s", str(HERE / "revise.lua")]
    return wrk("/", *arguments, connections=WRITES_AT_ONCE, seconds=seconds, environment=environment)


def page_200(service):
    """The path of the 200th page of ten."""
    place = f"/api/v1/programs/{JAKARTA}/questions?limit=10"
    path = place
    for _ in range(199):
        path = f"{place}&cursor={service.get(path)[0]['next_cursor']}"
    return path


def measure(service, database, folder):
    bearer = f"Authorization: Bearer {service.tokens['facilitator']}"
    place = f"/api/v1/programs/{JAKARTA}/questions"
    question = f"{place}/{service.get(place + '?code=Q-1.100')[0]['items'][0]['id']}"
    reads = {
        "livez": ["/livez"],
        "one": [question, "-H", bearer],
        "304": [question, "-H", bearer, "-H", f"If-None-Match: {service.get(question)[1]['ETag']}"],
        "page": [f"{place}?limit=50&state=proposed", "-H", bearer],
        "page 1": [f"{place}?limit=10", "-H", bearer],
        "page 200": [page_200(service), "-H", bearer],
    }
    cities = [f"kota-{number}" for number in range(1, PROGRAMS + 1)]
    for arguments in reads.values():
        wrk(*arguments, seconds=2)
    rounds = []

    def tell(number, figures):
        told = ", ".join(f"{name} {rate:.0f}/s" for name, (rate, *_) in figures.items())
        print(f"round {number}: {told}", flush=True)

    def spent(figure):
        """A figure, and the microseconds of processor time that each of its requests took the service."""
        before = service.cpu()
        rate, p99 = figure()
        return rate, p99, (service.cpu() - before) / (rate * SECONDS) * 1e6

    # Reads first: what they cost is not what the database does in the wake of many writes.
    database.settle()
    for number in range(1, ROUNDS + 1):
        rounds.append({name: spent(lambda: wrk(*arguments)) for name, arguments in reads.items()})
        tell(number, rounds[-1])
    for number, figures in enumerate(rounds, 1):
        writes = {"revise 1": spent(lambda: revise(service, folder, [JAKARTA]))}
        writes["bare 1"] = (database.bare(1), 0, 0)
        writes["revise 10"] = spent(lambda: revise(service, folder, cities))
        writes["bare 10"] = (database.bare(PROGRAMS), 0, 0)
        tell(number, writes)
        figures |= writes
    return rounds


def results(rounds, kind, extra):
    """Lines of: what, the measured, the bound, whether it holds."""
    def ratio(one, other):
        return statistics.median(figures[one][0] / figures[other][0] for figures in rounds)

    measured = {
        "one": ratio("one", "livez"),
        "page": ratio("page", "livez"),
        "304 of one": ratio("304", "one"),
        "page 200 of page 1": ratio("page 200", "page 1"),
        "revise, 1 programme": ratio("revise 1", "bare 1"),
        "revise, 10 programmes": ratio("revise 10", "bare 10"),
        "p99 of one, ms": statistics.median(figures["one"][1] for figures in rounds),
    } | extra
    lines = []
    for what, value in measured.items():
        if what in CEILINGS:
            lines.append((what, value, f"<= {CEILINGS[what]}", value <= CEILINGS[what]))
        elif floor := (FLOORS[kind] | FLOORS_OF_BOTH).get(what):
            lines.append((what, value, f">= {floor}", value >= floor))
        else:
            lines.append((what, value, "", True))
    return lines


def main():
    kind = sys.argv[1]
    heading = f"{datetime.date.today()} {kind}, {machine()}, {ROUNDS} rounds of {SECONDS} s"
    print(heading, flush=True)
    with tempfile.TemporaryDirectory(prefix="tangguh-load-", dir="/tmp") as folder:
        database = (Sqlite if kind == "sqlite" else Postgres)(folder)
        service = Service(database, folder)
        try:
            accounts = json.loads(service.command("demo", "--questions", "2000", "--revisions", "10"))["accounts"]
            service.start()
            service.sign_in(accounts)
            ten_programs(service)
            service.stop()
            database.copy()
            starts = []
            for _ in range(5):
                starts.append(service.start())
                service.get(f"/api/v1/programs/{JAKARTA}/questions?limit=1")
                rest = service.memory("VmRSS")
                if len(starts) < 5:
                    service.stop()
            rounds = measure(service, database, folder)
            extra = {
                "memory at rest, MB": rest,
                "memory after, MB": service.memory("VmRSS"),
                "of that, not the file's, MB": service.memory("RssAnon"),
                "memory at its peak, MB": service.memory("VmHWM"),
                "ready after, ms": statistics.median(starts),
            }
            service.stop()
            service.command("ledger", "verify")
        finally:
            service.kill()
            database.stop()
    lines = results(rounds, kind, extra)
    raw = [
        f"round {number}: {name}: {rate:.0f}/s, p99 {p99:.2f} ms, {cpu:.0f} us of processor time each"
        for number, figures in enumerate(rounds, 1)
        for name, (rate, p99, cpu) in figures.items()
    ]
    told(kind, "", heading, raw, lines)


main()
