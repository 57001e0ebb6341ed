"""A bad line between a client and the service. The first requests of each operation meet one fault after the other; what is
asked then gets through. At the end it tells whether the client was patient and repeated what it had asked.
"""

import collections
import http.client
import http.server
import json
import re
import threading
import time
import urllib.parse

from service_in_ci import PORT

# The answer is lost, or half of it is: the service has done what it was asked. Then it does not begin.
FAULTS = ["lost", "half", "429", "503"]
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LIMITS = {
    "RateLimit-Policy": '"burst";q=1200;w=60, "daily";q=200000;w=86400',
    "RateLimit": '"burst";r=0;t=1, "daily";r=198800;t=40311',
}
PROBLEMS = {"429": ("too-many-requests", LIMITS), "503": ("busy", {})}

Asked = collections.namedtuple("Asked", "fault path key body came")


class BadLine:
    def __init__(self, retry_after=1):
        self.retry_after = retry_after
        self.asked = asked = collections.defaultdict(list)
        # When an operation was told to wait.
        self.told = told = collections.defaultdict(list)
        self.replays = replays = collections.Counter()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self):
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                operation = f"{self.command} {ID.sub('{id}', urllib.parse.urlsplit(self.path).path)}"
                before = len(asked[operation])
                fault = FAULTS[before] if before < len(FAULTS) else None
                asked[operation].append(
                    Asked(fault, self.path, self.headers["Idempotency-Key"], body, time.monotonic())
                )
                if fault in PROBLEMS:
                    self.refuse(fault)
                    told[operation].append(time.monotonic())
                    return
                status, headers, content = self.forward(body)
                replays[operation] += "Idempotency-Replayed" in headers
                if fault != "lost":
                    self.answer(status, headers, content, len(content) // 2 if fault else None)
                self.close_connection = self.close_connection or fault is not None

            do_GET = do_POST = handle_one

            def refuse(self, status):
                name, headers = PROBLEMS[status]
                problem = {"type": f"/problems/{name}", "status": int(status), "detail": "Not now."}
                headers = {"Content-Type": "application/problem+json", "Retry-After": retry_after, **headers}
                self.answer(int(status), headers, json.dumps(problem).encode())

            def forward(self, body):
                connection = http.client.HTTPConnection("127.0.0.1", PORT)
                headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
                connection.request(self.command, self.path, body or None, headers)
                answer = connection.getresponse()
                content = answer.read()
                connection.close()
                return answer.status, answer.headers, content

            def answer(self, status, headers, content, upto=None):
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in ("connection", "content-length", "transfer-encoding"):
                        self.send_header(name, value)
                self.send_header("Content-Length", len(content))
                self.end_headers()
                self.wfile.write(content[:upto])
                self.wfile.flush()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # A client that is killed hangs up, which is no fault.
        self.server.handle_error = lambda *_: None
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def must_have_been_overcome(self, operations):
        """Each of these operations met every fault, was waited for as long as was asked, and was repeated as it was."""
        assert set(operations) == self.asked.keys(), f"other operations were asked: {sorted(self.asked)}"
        for operation, asked in self.asked.items():
            first = asked[: len(FAULTS) + 1]
            assert len(first) > len(FAULTS), f"{operation} was given up after {[one.fault for one in first]}"
            repeated = {(one.path, one.key, one.body) for one in first}
            assert len(repeated) == 1, f"{operation} was not repeated as it was: {repeated}"
            for told, again in zip(self.told[operation], first[FAULTS.index("429") + 1 :]):
                # Timers of a millisecond may be one early.
                waited = again.came - told
                assert waited > self.retry_after - 0.01, f"{operation} waited {waited:.3f} s, and was asked for {self.retry_after}"
