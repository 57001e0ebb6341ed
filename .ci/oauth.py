"""An OAuth client library that is not ours finds the token endpoint by its metadata, gets a token for a client's key and
uses it: by HTTP Basic and by form, on both databases. The token is checked with another JOSE library by the served keys.

usage: python3 .ci/oauth.py BINARY        needs Authlib, joserfc, requests and PostgreSQL's server programs
"""

import datetime
import json
import sys

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet

sys.dont_write_bytecode = True
from service_in_ci import ADDRESS, P, ask, on_each_database, sign_in  # noqa: E402


def keyed(token):
    """A client of the partner's, and its key."""
    ends = str(datetime.date.today() + datetime.timedelta(days=90))
    new = {"role": "partner", "name": "A nightly job", "purpose": "To be tried.", "expires_on": ends,
           "scopes": ["input.send", "input.read"]}  # fmt: skip
    headers, body = ask(f"{P}/clients", token, new)
    client = json.loads(body)["id"]
    key = json.loads(ask(f"{P}/clients/{client}/keys", token, {}, If_Match=headers["ETag"])[1])
    return client, key["key"]


def use(client, key, method, reference):
    """Gets a token as this library does, and sends an input with it."""
    told = json.loads(ask("/.well-known/oauth-authorization-server")[1])
    assert method in told["token_endpoint_auth_methods_supported"]
    session = OAuth2Session(client, key, token_endpoint_auth_method=method, scope="input.send input.read",
                            revocation_endpoint_auth_method=method)  # fmt: skip
    token = session.fetch_token(told["token_endpoint"], grant_type="client_credentials")
    assert token["scope"] == "input.send input.read" and token["expires_in"] == 900, token
    keys = KeySet.import_key_set(json.loads(ask("/.well-known/jwks.json")[1]))
    claims = jwt.decode(token["access_token"], keys, algorithms=["EdDSA"])
    assert claims.header["typ"] == "at+jwt" and claims.claims["client_id"] == client, claims
    assert claims.claims["iss"] == told["issuer"], claims.claims
    said = {"kind": "comment", "text": "Sent by a library.", "language": "en", "external_ref": reference}
    assert session.post(f"{ADDRESS}{P}/inputs", json=said).status_code == 201
    assert session.get(f"{ADDRESS}{P}/questions").status_code == 403
    assert session.revoke_token(told["revocation_endpoint"], token["access_token"]).status_code == 200
    assert session.get(f"{ADDRESS}{P}/inputs").status_code == 401


def refused(client):
    """The library understands the refusal."""
    session = OAuth2Session(client, "tgh_ck_wrong", token_endpoint_auth_method="client_secret_basic")
    try:
        session.fetch_token(f"{ADDRESS}/api/v1/oauth/token", grant_type="client_credentials")
    except OAuthError as error:
        assert error.error == "invalid_client", error
        return
    sys.exit("oauth: a wrong key got a token")


def main():
    for name, _, signs in on_each_database(sys.argv[1], "oauth"):
        client, key = keyed(sign_in(signs, "partner"))
        use(client, key, "client_secret_basic", "basic-1")
        use(client, key, "client_secret_post", "post-1")
        refused(client)
        print(f"{name}: Authlib got tokens, used them and took them back")


main()
