"""Verifies what the service signed with a JOSE library that is not ours, by the record keys that the service serves:
a published statement on both databases, before and after the keys were rotated twice. One byte changed must not hold.

usage: python3 .ci/signatures.py BINARY        needs joserfc and PostgreSQL's server programs
"""

import base64
import hashlib
import json
import sys

from joserfc import jws
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet

sys.dont_write_bytecode = True
from service_in_ci import P, ask, on_each_database, sign_in  # noqa: E402


def publish(signs):
    """Publishes the demo's statement; answers the path of its edition."""
    token = sign_in(signs, "lead")
    statement = json.loads(ask(f"{P}/statements?state=adopted", token)[1])["items"][0]
    path = f"{P}/statements/{statement['id']}"
    tag = ask(path, token)[0]["ETag"]
    published = json.loads(ask(f"{path}/publication", token, {"reason": "For all to verify."}, If_Match=tag)[1])
    return published["published"]["url"]


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def verify(edition):
    """Checks digest and signature of a published edition; answers how many record keys are served."""
    headers, text = ask(edition)
    digest = base64.b64encode(hashlib.sha256(text).digest()).decode()
    assert headers["Repr-Digest"] == f"sha-256=:{digest}:", headers["Repr-Digest"]
    served = json.loads(ask("/.well-known/record-keys.json")[1])
    keys = KeySet.import_key_set(served)
    head, payload, signature = ask(f"{edition}/signature", Accept="application/jose")[1].decode().split(".")
    assert payload == "", "the signature is not detached"
    told = jws.deserialize_compact(f"{head}.{base64url(text)}.{signature}", keys, algorithms=["EdDSA"])
    assert told.payload == text and told.protected["typ"] == "tangguh-statement+jws", told.protected
    forged = text.replace(b"Jakarta", b"Jakerta", 1)
    assert forged != text
    try:
        jws.deserialize_compact(f"{head}.{base64url(forged)}.{signature}", keys, algorithms=["EdDSA"])
    except BadSignatureError:
        return len(served["keys"])
    sys.exit("signatures: one byte was changed, and the signature still holds")


def main():
    for name, service, signs in on_each_database(sys.argv[1], "signatures"):
        edition = publish(signs)
        before = verify(edition)
        service.rotate()
        service.rotate()
        service.stop()
        service.start()
        after = verify(edition)
        assert after == before + 2, f"{before} record keys, and {after} after two rotations"
        print(f"{name}: the statement's signature holds, also after two rotations")


main()
