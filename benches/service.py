"""What the measurements need: the two databases, and the service in its release build."""

import contextlib
import datetime
import glob
import http.client
import json
import os
import pathlib
import pwd
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
BINARY = pathlib.Path(os.environ.get("TANGGUH_BENCH_BINARY", HERE.parent / "target/release/tangguh"))
SECONDS = int(os.environ.get("TANGGUH_BENCH_SECONDS", "5"))
ROUNDS = int(os.environ.get("TANGGUH_BENCH_ROUNDS", "3"))
PORT = 18580
JAKARTA = "jakarta-berketahanan"


class Sqlite:
    writers = 1

    def __init__(self, folder):
        self.folder = folder
        self.url = f"sqlite:{folder}/load.db"

    def copy(self):
        """A database of its own for the bare loop, which writes no true ledger."""
        shutil.copy(f"{self.folder}/load.db", f"{self.folder}/bare.db")

    def bare(self, programs):
        file = max(glob.glob(str(HERE.parent / "target/release/deps/bare_sqlite-*[!.d]")), key=os.path.getmtime)
        return float(run([file, f"{self.folder}/bare.db", str(SECONDS), str(programs)]))

    def settle(self):
        pass

    def stop(self):
        pass


class Postgres:
    writers = 4

    def __init__(self, folder):
        self.folder = folder
        self.programs = max(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
        # PostgreSQL does not run as root.
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            user = pwd.getpwnam(self.user)
            os.chown(folder, user.pw_uid, user.pw_gid)
        data = f"{folder}/data"
        self.run("initdb", "-A", "trust", "-U", "tangguh", "-E", "UTF8", "--locale=C", "-D", data)
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=on -c max_wal_size=4GB"
        self.run("pg_ctl", "start", "-w", "-s", "-D", data, "-l", f"{folder}/log", "-o", options)
        self.run("createdb", "-h", folder, "-U", "tangguh", "load")
        self.url = f"postgres://tangguh@{folder.replace('/', '%2F')}/load"

    def run(self, program, *arguments):
        return run([f"{self.programs}/{program}", *arguments], user=self.user, cwd="/")

    def settle(self):
        """What autovacuum and the checkpointer would do in their own time, beside the readings."""
        self.run("psql", "-h", self.folder, "-U", "tangguh", "-d", "load", "-qc", "vacuum analyze", "-c", "checkpoint")

    def copy(self):
        self.run("createdb", "-h", self.folder, "-U", "tangguh", "-T", "load", "bare")
        self.account = self.query(
            "select account_id from membership_revisions where role = 'facilitator' and seq_to is null limit 1"
        )

    def query(self, text):
        return self.run("psql", "-h", self.folder, "-U", "tangguh", "-d", "bare", "-AtXqc", text).strip()

    def bare(self, programs):
        order = "asc" if programs > 1 else "desc"
        self.query(
            "drop table if exists bench_questions; create table bench_questions (n int primary key, id uuid, ledger_id "
            "uuid); insert into bench_questions select row_number() over (), id, ledger_id from (select id, ledger_id "
            "from questions where ledger_id in (select ledger_id from questions group by 1 order by count(*) "
            f"{order} limit {programs}) order by random() limit 2000) q; analyze bench_questions"
        )
        count = self.query("select count(*) from bench_questions")
        told = self.run(
            "pgbench", "-h", self.folder, "-U", "tangguh", "-n", "-M", "prepared", "-c", str(self.writers), "-j", "1",
            "-T", str(SECONDS), "-D", f"questions={count}", "-D", f"account={self.account}",
            "-f", str(self.script()), "bare",
        )
        return float(re.search(r"tps = ([\d.]+)", told)[1])

    def script(self):
        """Where the user that PostgreSQL runs as can read it."""
        script = pathlib.Path(self.folder) / "revise.pgbench"
        script.write_text((HERE / "revise.pgbench").read_text())
        script.chmod(0o644)
        return script

    def stop(self):
        self.run("pg_ctl", "stop", "-m", "fast", "-s", "-D", f"{self.folder}/data")


def run(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"load: {command[0]} failed\n{done.stdout}{done.stderr}")
    return done.stdout


class Service:
    """The release binary with all that it does in earnest: the access log goes to a file."""

    def __init__(self, database, folder):
        self.environment = os.environ | {
            "DATABASE_URL": database.url,
            "TANGGUH_LISTEN": f"127.0.0.1:{PORT}",
            "TANGGUH_SECRET": "only for the benchmark, and long enough to be one",
            # The demo's people have no app for codes.
            "TANGGUH_SECOND_FACTOR": "none",
            # Counted as in earnest, and never reached.
            "TANGGUH_LIMIT_ACCOUNTS": "1000000000/4000000000",
            "TANGGUH_LIMIT_CLIENTS": "1000000000/4000000000",
            "TANGGUH_LIMIT_VISITORS": "1000000000/4000000000",
        }
        self.environment.pop("RUST_LOG", None)
        self.log = f"{folder}/access.log"
        self.tokens = {}
        self.process = None

    def command(self, *arguments):
        return run([BINARY, *arguments], env=self.environment)

    def start(self):
        """Answers the milliseconds until it was ready."""
        began = time.perf_counter()
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([BINARY, "serve"], env=self.environment, stdout=log, stderr=log)
        while True:
            try:
                if self.call("GET", "/readyz")[0] == 200:
                    return (time.perf_counter() - began) * 1000
            except ConnectionRefusedError:
                time.sleep(0.001)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def kill(self):
        """However it is with it."""
        if self.process and self.process.poll() is None:
            self.process.kill()

    def cpu(self):
        """Seconds of processor time until now."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, name):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) / 1024

    def call(self, method, path, body=None, role=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", PORT)
        headers = dict(headers or {})
        if role:
            headers["Authorization"] = f"Bearer {self.tokens[role]}"
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, answer.headers, text

    def get(self, path, role="facilitator"):
        status, headers, text = self.call("GET", path, role=role)
        assert status == 200, (path, status, text)
        return json.loads(text), headers

    def post(self, path, body, role):
        status, _, text = self.call("POST", path, body, role, {"Idempotency-Key": secrets.token_hex(8)})
        assert status in (200, 201), (path, status, text)
        return json.loads(text)

    def sign_in(self, accounts):
        for role in accounts:
            self.tokens[role] = self.post("/api/v1/auth/login", accounts[role], None)["access_token"]


class Client:
    """One connection that is kept open, for somebody of the demo."""

    def __init__(self, service, role):
        self.tokens, self.role = service.tokens, role
        self.connection = http.client.HTTPConnection("127.0.0.1", PORT)
        self.connection.connect()

    def call(self, method, path, body=None, role=None, headers=None):
        """The JSON that was answered, and the headers. A body that is no JSON object is sent as it is."""
        headers = {"Authorization": f"Bearer {self.tokens[role or self.role]}"} | (headers or {})
        if isinstance(body, dict):
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status < 300, (method, path, answer.status, text[:2000])
        return json.loads(text), answer.headers

    def get(self, path, role=None):
        return self.call("GET", path, role=role)[0]


@contextlib.contextmanager
def demo(kind, what, *sizes):
    """A started service with a demo of these sizes, and its database; nothing is left of either."""
    with tempfile.TemporaryDirectory(prefix=f"tangguh-{what}-", dir="/tmp") as folder:
        database = (Sqlite if kind == "sqlite" else Postgres)(folder)
        service = Service(database, folder)
        try:
            made = service.command("demo", *map(str, sizes))
            service.start()
            service.sign_in(json.loads(made)["accounts"])
            yield service, database
        finally:
            service.kill()
            database.stop()


def machine():
    name = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores ({name[1] if name else '?'}), load {load:.1f} before"


def told(kind, what, heading, lines, results):
    """Prints what came of it and keeps it with the raw rounds; exits with 1 if a bound was missed."""
    ends = [f"{name}: {value:.3f} {bound}{'' if holds else '  MISSED'}" for name, value, bound, holds in results]
    (HERE / "raw").mkdir(exist_ok=True)
    raw = HERE / f"raw/{datetime.date.today()}-{what}{kind}.txt"
    raw.write_text("\n".join([heading, *lines, *ends]) + "\n")
    print("\n".join(ends))
    sys.exit(0 if all(holds for *_, holds in results) else 1)
