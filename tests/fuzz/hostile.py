"""What schemathesis is taught about us: real files, hostile headers, and what every answer must have.

Loaded by schemathesis in its own environment: nothing of the application is imported here.
"""

import atexit
import os
import random
import re
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import strategies as st

FILES = sorted(path.read_bytes() for path in Path(os.environ["FUZZ_FILES"]).iterdir())
CHANCE = random.Random(os.environ["FUZZ_SEED"])  # calls are made one after the other: the same seed, the same headers
LONGEST = [0.0]  # milliseconds
KNOWN: dict[str, list[str]] = {"asset_id": [], "slot_id": []}  # that answers have told
ODD = "\x80\xa0\xff\"'\\;,=%<>{}()*/:@ \tazAZ09-_."
SAMPLES = {
    "Range": (
        "bytes=0-",
        "bytes=5-2",
        "bytes=-1",
        "bytes=0-0,2-3",
        "bytes=999999999999999999999-",
        "items=0-1",
        "bytes=-0",
    ),
    "If-Range": ('"x"', "W/", "Sat, 21 Nov 2026 00:00:00 GMT"),
    "If-None-Match": ("*", '"x", W/"y"', ",,,", '"'),
    "If-Match": ("*", '"x"', 'W/"x"', ""),
    "Idempotency-Key": ("a", "\xe9", "x" * 255, "x" * 256),
    "X-Request-ID": ("a.b-c", "x" * 65, "\xff", "{}"),
    "Origin": ("null", "https://evil.test", "\xff"),
    "X-Forwarded-For": ("127.0.0.1", "x" * 5000),
    "X-Forwarded-Host": ("evil.test", "a b"),
    "Host": ("evil.test", "[::1]:80", "a_b", "x" * 300),
    "Accept": ("text/html", "*/*;q=2", ";"),
    "Content-Encoding": ("gzip", "br"),
    "Authorization": ("Bearer", "Basic YTpi", "Bearer a.b.c", "Bearer \xff", "bearer " + "x" * 9000),
    "X-API-Key": ("nobody", "\xff"),
    "Cookie": ("a=b", "=;"),
}


def _file() -> st.SearchStrategy[bytes]:
    """A real one, one that is spoiled in a place, or any bytes."""
    spoiled = st.builds(
        lambda data, where, what: data[: int(where * len(data))] + what + data[int(where * len(data)) + len(what) :],
        st.sampled_from(FILES),
        st.floats(0, 1),
        st.binary(min_size=1, max_size=8),
    )
    return st.one_of(st.sampled_from(FILES), spoiled, st.binary(max_size=200))


schemathesis.openapi.format("binary", _file())


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Every third call has headers that no document tells of, and each that asks for bytes."""
    names = CHANCE.sample(sorted(SAMPLES), CHANCE.randint(1, 3)) if CHANCE.random() < 0.3 else []
    if case.path.startswith("/f/"):
        names.append(CHANCE.choice(("Range", "If-Range", "If-None-Match")))
    for name, known in KNOWN.items():
        if name in (case.path_parameters or {}) and known and CHANCE.random() < 0.7:
            case.path_parameters[name] = CHANCE.choice(known)
    for name in names:
        made = "".join(CHANCE.choices(ODD, k=CHANCE.randint(1, 30))).strip()
        case.headers[name] = made if CHANCE.random() < 0.4 else CHANCE.choice(SAMPLES[name])


@schemathesis.check
def documented(_context: Any, response: Any, case: Any) -> None:
    """What succeeds is named by the document; a refusal is a problem with a code; both have safe headers and an id."""
    LONGEST[0] = max(LONGEST[0], 1000 * response.elapsed)
    status, headers = response.status_code, response.headers
    told = case.operation.definition.raw["responses"]
    assert status >= 400 or str(status) in told, f"{status} is not in the document"
    assert headers["x-request-id"], "an answer has an id"
    assert headers["x-content-type-options"] == ["nosniff"], "a browser may guess"
    if status in {200, 201}:
        KNOWN["asset_id"].extend(re.findall(r'"id": ?"([0-9a-f-]{36})"', response.text))
        KNOWN["slot_id"].extend(re.findall(r"/f/s/([0-9a-f-]{36})/", response.text))
    if status >= 400:
        assert headers["content-type"] == ["application/problem+json"], "a refusal is a problem"
        assert case.method == "HEAD" or response.json()["code"], "a refusal has a code"


atexit.register(lambda: Path(os.environ["FUZZ_LONGEST"]).write_text(str(LONGEST[0])))
