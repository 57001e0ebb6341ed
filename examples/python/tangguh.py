"""A connection to Tangguh for a machine: its key or an OAuth token, and patience with a bad line.

Settings are variables of the environment:
  TANGGUH_URL        where the service is, as http://127.0.0.1:8080
  TANGGUH_PROGRAM    the programme's slug
  TANGGUH_KEY_FILE   a file with the client's key (tgh_ck_…), which nobody else may read
  TANGGUH_CLIENT_ID  the client's id: with it, the key is exchanged for OAuth tokens
"""

from __future__ import annotations

import os
import pathlib
import random
import sys
import time
from collections.abc import Mapping
from typing import Any

import requests

# The service did not begin, or its answer was lost: the same request may be sent again.
PASSING = {429, 500, 502, 503, 504}
# No answer came, or only a part of one.
LOST = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
LONGEST_PAUSE = 30.0


class Refused(Exception):
    """The service said no, and would say it again."""

    def __init__(self, answer: requests.Response) -> None:
        try:
            problem: dict[str, Any] = answer.json()
        except ValueError:
            problem = {}
        self.status = answer.status_code
        # OAuth's endpoint has errors of its own form.
        self.name = str(problem.get("type") or problem.get("error") or "").removeprefix("/problems/")
        self.detail = str(problem.get("detail") or problem.get("error_description") or answer.reason)
        self.errors: list[dict[str, Any]] = problem.get("errors") or []
        super().__init__(f"{self.status} {self.name}: {self.detail}")


class Connection:
    """Sends requests until they are answered."""

    def __init__(self, patience: float = 300.0) -> None:
        self.url = os.environ["TANGGUH_URL"].rstrip("/")
        self.program = os.environ["TANGGUH_PROGRAM"]
        self.key_file = pathlib.Path(os.environ["TANGGUH_KEY_FILE"])
        self.client_id = os.environ.get("TANGGUH_CLIENT_ID")
        # Seconds after which a request that is not answered is given up. Past a day's share one is asked to wait for hours.
        self.patience = patience
        self.session = requests.Session()
        self.token = ""
        self.token_until = 0.0

    def path(self, rest: str) -> str:
        return f"/api/v1/programs/{self.program}/{rest}"

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        stream: bool = False,
    ) -> requests.Response:
        """The answer, or `Refused`. A POST must be safe to repeat: by an `external_ref` or an `Idempotency-Key`."""
        renewed = False
        sent = dict(headers or {})
        if body is not None:
            sent["Content-Type"] = "application/json"

        def send() -> requests.Response:
            sent["Authorization"] = f"Bearer {self.bearer()}"
            return self.session.request(
                method, self.url + path, data=body, params=params, headers=sent, timeout=(5, timeout), stream=stream
            )

        while True:
            answer = self.patiently(send)
            if answer.status_code == 401 and self.client_id and not renewed:
                # The token ended on the way, by its time or because the key did.
                renewed, self.token_until = True, 0.0
                continue
            if answer.status_code >= 400:
                raise Refused(answer)
            return answer

    def patiently(self, send: Any) -> requests.Response:
        """Sends until there is an answer that is not passing, or patience is over."""
        began, tries = time.monotonic(), 0
        while True:
            asked_for: float | None = None
            try:
                answer: requests.Response = send()
                if answer.status_code not in PASSING:
                    return answer
                said, asked_for = f"{answer.status_code}", wanted_pause(answer)
            except LOST as error:
                said = type(error).__name__
            pause = asked_for if asked_for is not None else random.uniform(0, min(LONGEST_PAUSE, 0.25 * 2**tries))
            # Never all at the same moment, also where the service named one.
            pause += random.uniform(0, 0.25)
            tries += 1
            if time.monotonic() - began + pause > self.patience:
                raise TimeoutError(f"no answer in {self.patience:.0f} s; the last was {said}")
            tell(f"{said}: again in {pause:.1f} s")
            time.sleep(pause)

    def bearer(self) -> str:
        """The key, read anew each time so that it can be changed under a running program; or a token for it."""
        key = self.key_file.read_text().strip()
        if not self.client_id:
            return key
        if time.monotonic() >= self.token_until:
            self.renew(self.client_id, key)
        return self.token

    def renew(self, client_id: str, key: str) -> None:
        form = {"grant_type": "client_credentials"}
        address = f"{self.url}/api/v1/oauth/token"
        answer = self.patiently(lambda: self.session.post(address, form, auth=(client_id, key), timeout=(5, 30)))
        if answer.status_code >= 400:
            raise Refused(answer)
        told = answer.json()
        self.token = told["access_token"]
        self.token_until = time.monotonic() + told["expires_in"] - 30


def wanted_pause(answer: requests.Response) -> float | None:
    """`Retry-After`, which Tangguh gives in seconds."""
    said = answer.headers.get("Retry-After", "")
    return float(said) if said.isdigit() else None


def tell(text: str) -> None:
    """To whoever watches; what the programs answer goes to standard output."""
    print(text, file=sys.stderr, flush=True)
