"""Who sends to a webhook is killed while the receiver holds one of its messages. Its lease runs out, another goes on (or
itself, when it was started again), and all messages come in their order; twice comes only the one that was held.
"""

import json
import os
import pathlib
import threading
import time

# How long the receiver takes for a message.
SLOW = 0.005
# Seconds of a lease, and of looking for one that has run out; a machine with much to do may take longer.
LEASE, LOOK = 45, 15


class Interrupted:
    def __init__(self, service):
        self.service = service
        self.hold_at = None
        self.holding, self.let_go, self.going_on = threading.Event(), threading.Event(), threading.Event()

    def came_from(self, port):
        """The slow receiver's part: it takes its time, and holds the message that it is told to."""
        time.sleep(SLOW)
        if self.let_go.is_set():
            if not self.going_on.is_set():
                self.went_on_at = time.monotonic()
                self.going_on.set()
        elif len(self.service.slow.came) == self.hold_at:
            self.port = port
            self.holding.set()
            self.let_go.wait()

    def begin(self, client):
        """Has the demo's whole record sent twice, and kills whoever sends in the middle of the second time. What is given
        back waits for the end, and says what came."""
        slow, self.client = self.service.slow, client
        self.path, self.secret = client.webhook(slow.url)
        client.call("PATCH", self.path, {"state": "active"}, 2)
        self.upto = client.call("GET", self.path)["delivery"]["head_sequence"]
        self.until_passed(self.upto)
        self.before = len(slow.came)
        self.replay()
        self.until_done()
        self.once = self.of_the_range(slow.came[self.before :])
        assert len(self.once) > 150, f"the demo's record makes only {len(self.once)} messages"
        self.after = len(slow.came)
        self.hold_at = self.after + len(self.once) // 2
        self.replay()
        assert self.holding.wait(30), "the message to be held did not come"
        sender = sender_at(self.port, self.service.processes)
        killed_at = time.monotonic()
        self.service.kill(sender)
        self.let_go.set()
        return lambda verify: self.goes_on(verify, killed_at)

    def goes_on(self, verify, killed_at):
        slow = self.service.slow
        assert self.going_on.wait(LEASE + LOOK), "nobody went on"
        waited = self.went_on_at - killed_at
        assert waited > LEASE - 2, f"somebody went on after {waited:.1f} s, while the lease held"
        self.until_done()
        again, held = self.of_the_range(slow.came[self.after :]), slow.came[self.hold_at - 1]
        ids = [message_id(message) for message in again]
        twice = {one for one in ids if ids.count(one) > 1}
        assert twice == {message_id(held)}, f"these came twice: {twice}"
        wanted = [message_id(message) for message in self.once]
        assert list(dict.fromkeys(ids)) == wanted and len(ids) == len(wanted) + 1, f"{wanted} were wanted, came {ids}"
        told = [verify(message, self.secret)["data"]["sequence"] for message in self.once]
        assert told == sorted(set(told)), told
        return f"of {len(wanted)} one came twice, since who sent it was killed; the next came after {waited:.0f} s"

    def replay(self):
        range_ = {"from_sequence": 1, "to_sequence": self.upto, "reason": "All once more."}
        revision = self.client.call("GET", self.path)["revision"]
        self.client.call("POST", f"{self.path}/replay", range_, revision)

    def of_the_range(self, messages):
        """Without those of what happened since."""
        return [message for message in messages if json.loads(message[1])["data"]["sequence"] <= self.upto]

    def until_passed(self, sequence):
        self.until(lambda delivery: delivery["sequence"] >= sequence)

    def until_done(self):
        self.until(lambda delivery: delivery["replaying"] is None)

    def until(self, holds):
        for _ in range(600):
            delivery = self.client.call("GET", self.path)["delivery"]
            if holds(delivery):
                return
            time.sleep(0.1)
        raise AssertionError(f"it stays so: {delivery}")


def message_id(message):
    return message[0]["webhook-id"]


def sender_at(port, processes):
    """The process that has the connection with this port of its own."""
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].split(":")[1], 16) == port:
            wanted = f"socket:[{fields[9]}]"
            for process in processes:
                folder = f"/proc/{process.pid}/fd"
                if any(os.readlink(f"{folder}/{name}") == wanted for name in os.listdir(folder)):
                    return process
    raise AssertionError("nobody has that connection")
