"""Fails, with the crates' names, when a dependency's licence is not one that we may ship.

Reads `cargo metadata` for the platform that we build for (crates of other platforms are never compiled in), the
dependencies of tests and builds included. An SPDX expression is kept when it can be kept with allowed licences
alone: one side of an OR, both sides of an AND. So "GPL-2.0 OR MIT" passes, and "GPL-2.0 AND MIT" does not.

    python3 .ci/licences.py            checks the crate in this folder
    python3 .ci/licences.py --self-test
"""

import collections
import json
import re
import subprocess
import sys

# What we may ship in a binary under MIT OR Apache-2.0. All of them are permissive. A licence with conditions on files
# or data (MPL-2.0) is not here because nothing needs it; add one with its reason when something
# does. GPL, LGPL and AGPL stay out.
ALLOWED = {
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    # The list of certification authorities that Mozilla keeps, in webpki-roots: data, to be passed on with this text.
    "CDLA-Permissive-2.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "OpenSSL",
    "PostgreSQL",
    "Unicode-3.0",
    "Zlib",
}

# Crates that carry or link code of another licence than their own manifest tells: what it is, as looked up by a
# person. A crate with a `links` key that is not here fails, so that somebody looks.
BUNDLED = {
    "libsqlite3-sys": "SQLite: public domain",
    "openssl-src": "OpenSSL 3: Apache-2.0",
    "openssl-sys": "OpenSSL 3, compiled in when openssl-src is here too",
    "pq-src": "libpq: PostgreSQL",
    "pq-sys": "libpq, from pq-src",
    "ring": "code of BoringSSL and fiat-crypto: Apache-2.0, ISC, MIT",
    "utoipa-swagger-ui-vendored": "Swagger UI: Apache-2.0",
}

# `links` keys that only keep two versions of a crate out of one build: there is no other code behind them.
LINKS_WITHOUT_CODE = {"prettyplease02", "rayon-core", "wasm_bindgen"}


def parse(expression):
    """The expression as nested ("OR" | "AND", left, right) and licence names. "/" is how older manifests write OR."""
    tokens = re.findall(r"[()]|[A-Za-z0-9.+-]+", expression.replace("/", " OR "))
    if "".join(tokens) != re.sub(r"\s", "", expression.replace("/", "OR")):
        raise ValueError(f"cannot read {expression!r}")

    def one_of():
        left = all_of()
        while tokens and tokens[0].upper() == "OR":
            tokens.pop(0)
            left = ("OR", left, all_of())
        return left

    def all_of():
        left = single()
        while tokens and tokens[0].upper() == "AND":
            tokens.pop(0)
            left = ("AND", left, single())
        return left

    def single():
        if not tokens:
            raise ValueError(f"{expression!r} ends too early")
        token = tokens.pop(0)
        if token == "(":
            inner = one_of()
            if not tokens or tokens.pop(0) != ")":
                raise ValueError(f"{expression!r} lacks a bracket")
            return inner
        if token == ")" or token.upper() in ("AND", "OR", "WITH"):
            raise ValueError(f"{token!r} stands in the wrong place in {expression!r}")
        if tokens and tokens[0].upper() == "WITH":
            tokens.pop(0)
            if not tokens:
                raise ValueError(f"{expression!r} ends too early")
            token = f"{token} WITH {tokens.pop(0)}"
        return token

    tree = one_of()
    if tokens:
        raise ValueError(f"{expression!r} goes on after its end")
    return tree


def kept_by(tree):
    """The allowed licences that keep the expression, or None when it cannot be kept with allowed ones alone."""
    if isinstance(tree, str):
        return {tree} if tree in ALLOWED else None
    operator, left, right = tree[0], kept_by(tree[1]), kept_by(tree[2])
    if operator == "AND":
        return left | right if left is not None and right is not None else None
    return left if left is not None else right


def self_test():
    passes = ["MIT", "MIT/GPL-3.0", "GPL-2.0-only OR MIT", "(MIT OR Apache-2.0) AND Unicode-3.0", "GPL-2.0 OR (MIT AND ISC)",
              "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT", "Apache-2.0 / MIT"]
    fails = ["GPL-3.0-or-later", "MIT AND GPL-2.0", "LGPL-2.1 OR AGPL-3.0", "Apache-2.0 WITH Something-exception",
             "MIT AND (GPL-2.0 OR LGPL-3.0)", "GPL-2.0+ AND MIT OR AGPL-3.0"]
    broken = ["", "MIT OR", "(MIT", "MIT MIT", "OR MIT", "MIT)", "MIT WITH", "MIT & ISC"]
    for expression in passes:
        assert kept_by(parse(expression)) is not None, expression
    for expression in fails:
        assert kept_by(parse(expression)) is None, expression
    for expression in broken:
        try:
            parse(expression)
        except ValueError:
            continue
        raise AssertionError(expression)


def main():
    self_test()
    if "--self-test" in sys.argv:
        return 0
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", "x86_64-unknown-linux-gnu"]
    metadata = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    used = {node["id"] for node in metadata["resolve"]["nodes"]} - set(metadata["workspace_members"])
    counts, wrong = collections.Counter(), []
    for package in sorted((p for p in metadata["packages"] if p["id"] in used), key=lambda p: p["name"]):
        name = f"{package['name']} {package['version']}"
        if not package["license"]:
            wrong.append(f"{name}: its manifest names no licence (licence file: {package['license_file']})")
            continue
        try:
            licences = kept_by(parse(package["license"]))
        except ValueError as error:
            wrong.append(f"{name}: {error}")
            continue
        if licences is None:
            wrong.append(f"{name}: {package['license']} is not allowed")
            continue
        counts[" AND ".join(sorted(licences))] += 1
        if package["links"] and package["name"] not in BUNDLED and package["links"] not in LINKS_WITHOUT_CODE:
            wrong.append(f"{name}: links {package['links']!r}: look up what it bundles and add it to BUNDLED")
    for licence, count in counts.most_common():
        print(f"{count:5}  {licence}")
    present = {p["name"] for p in metadata["packages"] if p["id"] in used}
    for name, what in BUNDLED.items():
        if name in present:
            print(f"       {name}: {what}")
    for line in wrong:
        print(f"licence: {line}", file=sys.stderr)
    print(f"{sum(counts.values())} crates may be shipped, {len(wrong)} may not")
    return 1 if wrong or not counts else 0


if __name__ == "__main__":
    sys.exit(main())
