"""An authorization server beside the resource it guards: discovery, registration, codes, tokens and their renewal."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import os
import sys
import time
from urllib.parse import parse_qs, quote, unquote, urlsplit

CLIENT, SECRET = "assay-ci", "s3cret-of-the-client"
"""The one client that was registered beforehand."""
ENDLESS = 64 * 1024 * 1024


class AuthorizationServer:
    """Gives out tokens that its site takes until they expire.

    ``faults`` are names of what it does wrong: ``wrong-token``, ``no-token``, ``huge-metadata``.
    """

    def __init__(self, site, *, lifetime, faults=()):
        self.site = site
        self.issuer = f"{site.base}/as"
        self.lifetime = lifetime
        self.faults = frozenset(faults)
        self.codes = {}
        self.expiries = {}
        self.renewals = set()
        self.numbers = itertools.count(1)
        site.token = ""
        site.lets_in = self.lets_in
        site.on_http.append(self.handle)

    def lets_in(self, authorization):
        """Return whether a bearer token is one of ours and has not expired."""
        token = (authorization or "").removeprefix("Bearer ")
        return self.expiries.get(token, 0.0) > time.monotonic()

    def handle(self, exchange):
        """Deal with what is meant for the authorization server."""
        target = urlsplit(exchange.path)
        answers = {
            "/.well-known/oauth-authorization-server/as": self.describe,
            "/as/register": self.register,
            "/as/authorize": self.authorize,
            "/as/token": self.give,
        }
        if target.path not in answers:
            return False
        fields = target.query if exchange.method == "GET" else exchange.body.decode()
        answers[target.path](exchange, {name: values[0] for name, values in parse_qs(fields).items()})
        return True

    def describe(self, exchange, _):
        """Say where everything is (RFC 8414)."""
        known = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "registration_endpoint": f"{self.issuer}/register",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "private_key_jwt"],
        }
        padding = {"padding": "x" * ENDLESS} if "huge-metadata" in self.faults else {}
        answer(exchange, 200, {**known, **padding})

    def register(self, exchange, _):
        """Take a new client (RFC 7591)."""
        answer(exchange, 201, {**json.loads(exchange.body), "client_id": f"client-{next(self.numbers)}"})

    def authorize(self, exchange, asked):
        """Let the person in at once, and send the browser back."""
        code = f"code-{next(self.numbers)}"
        self.codes[code] = asked["code_challenge"]
        back = f"{asked['redirect_uri']}?code={code}&state={quote(asked['state'])}"
        exchange.respond(302, headers=[("Location", back)])

    def give(self, exchange, asked):
        """Give a token for a grant, or say why not (RFC 6749, section 5.2)."""
        sys.stderr.write(f"TOKEN {asked.get('grant_type')} {asked.get('scope')}\n")
        sys.stderr.flush()
        known = {
            "client_credentials": self.knows_client,
            "authorization_code": self.knows_code,
            "refresh_token": self.knows_renewal,
        }
        if "no-token" in self.faults or not known[asked["grant_type"]](exchange, asked):
            answer(exchange, 401, {"error": "invalid_client", "error_description": "who are you"})
            return
        token, renewal = f"at-{os.urandom(12).hex()}", f"rt-{os.urandom(12).hex()}"
        self.renewals.add(renewal)
        if "wrong-token" not in self.faults:
            self.expiries[token] = time.monotonic() + self.lifetime
        given = {"access_token": token, "token_type": "Bearer", "expires_in": int(self.lifetime)}
        answer(
            exchange, 200, given if asked["grant_type"] == "client_credentials" else {**given, "refresh_token": renewal}
        )

    def knows_client(self, exchange, asked):
        """Return whether a client proves itself by its secret, or by an assertion that is meant for us."""
        if "client_assertion" in asked:
            payload = asked["client_assertion"].split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            return (claims["iss"], claims["aud"]) == (CLIENT, self.issuer)
        basic = exchange.headers.get("authorization", "").removeprefix("Basic ")
        return unquote(base64.b64decode(basic).decode()) == f"{CLIENT}:{SECRET}"

    def knows_code(self, _, asked):
        """Return whether a code is good and its verifier fits the challenge (RFC 7636)."""
        digest = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
        return self.codes.pop(asked["code"], None) == base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def knows_renewal(self, _, asked):
        """Return whether a refresh token is good; each is good once."""
        if asked["refresh_token"] not in self.renewals:
            return False
        self.renewals.remove(asked["refresh_token"])
        return True


def answer(exchange, status, document):
    """Answer with a JSON document."""
    exchange.respond(status, json.dumps(document).encode())
