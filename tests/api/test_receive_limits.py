"""Limits of a body: size, time, places; and when the connection has to go."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.testclient import TestClient

from app.services import Services
from tests.api.forms import form, part
from tests.api.refusals import keeps_nothing, refused
from tests.api.wire import split, through
from tests.conftest import make_png

LIMIT = 2048  # of a logo, a photo, a document
MOST = 4096  # of the largest kind
LOGO = "/v1/companies/7/logo"
PNG = make_png()


@pytest.fixture
def services(limited: TestClient) -> Services:
    """The objects behind the limits."""
    found: Services = limited.app.state.services
    return found


def logo(size: int) -> bytes:
    """A form with a PNG of so many bytes."""
    return form(part("logo", PNG + bytes(size - len(PNG)), "a.png"))


def test_the_limit_itself_is_allowed(limited: TestClient) -> None:
    """2,048 bytes of 2,048."""
    assert through(limited, [logo(LIMIT)], path=LOGO).json()["size"] == LIMIT


@pytest.mark.parametrize("length", ["", str(len(logo(LIMIT + 1))), "1", "0", "-1", "x", "9" * 5])
def test_one_byte_more_is_too_large(limited: TestClient, services: Services, length: str) -> None:
    """Chunked, declared rightly, or with a Content-Length that lies; the answer names the limit."""
    with keeps_nothing(services):
        for size in (7, 500, 10_000):
            pieces = split(logo(LIMIT + 1), size)

            answer = through(limited, pieces, path=LOGO, headers={"content-length": length})

            assert refused(answer, 413, "file_too_large")["limit"] == LIMIT


def test_a_file_that_is_too_large_is_not_read_to_its_end(limited: TestClient, services: Services) -> None:
    """The answer comes with the first piece beyond the limit."""
    with keeps_nothing(services):
        answer = through(limited, split(logo(LIMIT * 100), 512), path=LOGO)

        refused(answer, 413, "file_too_large")
        assert answer.asked <= LIMIT // 512 + 2


@pytest.mark.parametrize("order", ["before", "after"])
def test_the_limit_of_the_kind_binds_wherever_the_kind_stands(
    limited: TestClient, services: Services, order: str
) -> None:
    """Told before the file or after it, the answer is the same."""
    parts = [part("kind", "photo"), part("file", PNG + bytes(LIMIT), "a.png")]
    with keeps_nothing(services):
        answer = through(limited, [form(*(parts if order == "before" else reversed(parts)))])

        body = refused(answer, 413, "file_too_large")
        assert (body["limit"], "photo" in body["detail"]) == (LIMIT, True)


def test_before_the_kind_is_known_the_largest_limit_binds(limited: TestClient, services: Services) -> None:
    """A file beyond every limit is not read to its end either."""
    body = form(part("file", bytes(MOST * 20), "a.bin"), part("kind", "logo"))
    with keeps_nothing(services):
        answer = through(limited, split(body, 1024))

        refused(answer, 413, "file_too_large")
        assert answer.asked <= MOST // 1024 + 2


def test_every_file_of_several_has_the_limit(limited: TestClient, services: Services) -> None:
    """Twenty at the limit are taken, one beyond it refuses all."""
    whole = [part("file", PNG + bytes(LIMIT - len(PNG)), f"{n}.png") for n in range(20)]
    with keeps_nothing(services):
        answer = through(limited, [form(*whole[:19], part("file", bytes(LIMIT + 1), "b"))])
        refused(answer, 413, "file_too_large")

    assert through(limited, split(form(*whole), 3000)).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        bytes(2_000_000) + b"\r\n" + logo(100),
        logo(100) + bytes(2_000_000),
        form(part("text", bytes(2_000_000)), part("logo", PNG, "a.png")),
        form(*[part(f"text{n}", bytes(100_000)) for n in range(20)], part("logo", PNG, "a.png")),
        form(*[part(f"text{n}", "x") for n in range(128)], part("logo", PNG, "a.png")),
        form(part("logo", PNG, "a" * 65_536)),
        form(part("logo", PNG, "a.png", headers="X: " + "y" * 65_536 + "\r\n")),
        form(part("logo", PNG, "a.png", headers="X: y\r\n" * 1000)),
        form(part("logo", PNG, "a.png", headers="X: y\r\n" + " folded\r\n" * 10_000)),
    ],
    ids=["preamble", "epilogue", "field", "fields", "parts", "name", "header", "headers", "folded"],
)
@pytest.mark.parametrize("size", [64 * 1024, 10_000_000])
def test_what_surrounds_a_file_has_limits_too(limited: TestClient, services: Services, body: bytes, size: int) -> None:
    """413 within a second, and nothing kept."""
    began = time.perf_counter()
    with keeps_nothing(services):
        refused(through(limited, split(body, size), path=LOGO), 413, "form_too_large")

        assert time.perf_counter() - began < 5


@pytest.mark.parametrize("fields", [1, 16])
def test_the_text_fields_have_a_limit_of_their_own(acme: TestClient, shared: Services, fields: int) -> None:
    """1 MiB together, also where the file could be larger: at the limit they are read, one byte more is too much."""
    file, size = part("logo", PNG, "a.png"), 1024 * 1024 // fields
    texts = [part(f"text{n}", "x" * size) for n in range(fields)]

    assert through(acme, [form(*texts, file)], path=LOGO).status_code in {200, 201}
    with keeps_nothing(shared):
        answer = through(acme, split(form(*texts, part("more", "x"), file), 65_536), path=LOGO)
        assert refused(answer, 413, "form_too_large")["limit"] == 1024 * 1024


def test_up_to_128_parts_are_read(limited: TestClient) -> None:
    """127 fields and a file."""
    body = form(*[part(f"text{n}", "x") for n in range(127)], part("logo", PNG, "a.png"))

    assert through(limited, [body], path=LOGO).status_code in {200, 201}


@pytest.mark.parametrize("sent", [0, 50, 150, 2000])
def test_a_silent_body_is_cut(limited: TestClient, services: Services, sent: int) -> None:
    """408 after the time that is set, not before and not much later."""
    with keeps_nothing(services):
        began = time.perf_counter()

        answer = through(limited, [logo(LIMIT)[:sent]], path=LOGO, after="silence")

        refused(answer, 408, "request_timeout")
        assert 0.19 <= time.perf_counter() - began < 5


def test_a_slow_body_that_moves_is_received(limited: TestClient) -> None:
    """The time is counted from byte to byte, not for the whole."""

    def slowly() -> Iterator[bytes]:
        for piece in split(logo(LIMIT), 200):
            time.sleep(0.03)
            yield piece

    began = time.perf_counter()
    answer = through(limited, slowly(), path=LOGO)

    assert answer.status_code in {200, 201}
    assert time.perf_counter() - began > 0.3


def test_no_more_uploads_than_there_are_places(limited: TestClient, services: Services) -> None:
    """503 with Retry-After while another one is received; afterwards the place is free again."""
    with keeps_nothing(services), ThreadPoolExecutor(1) as pool:
        first = pool.submit(through, limited, [logo(LIMIT)[:200]], path=LOGO, after="silence")
        time.sleep(0.1)

        second = through(limited, [logo(LIMIT)], path=LOGO)

        refused(second, 503, "busy")
        assert (second.headers["retry-after"], second.asked) == ("1", 0)
        refused(first.result(), 408, "request_timeout")
    assert through(limited, [logo(LIMIT)], path=LOGO).status_code in {200, 201}


@pytest.mark.parametrize("pieces", [[], [b"nonsense"], [logo(LIMIT + 1)], [logo(100)[:-9]], [form()]])
def test_a_refused_upload_gives_its_place_back(limited: TestClient, services: Services, pieces: list[bytes]) -> None:
    """However it was refused, the next one finds the only place free."""
    with keeps_nothing(services):
        for _ in range(3):
            assert 400 <= through(limited, pieces, path=LOGO).status_code < 500

    assert through(limited, [logo(LIMIT)], path=LOGO).status_code in {200, 201}


@pytest.mark.parametrize("pieces", [[logo(2000)], split(logo(2000), 100)], ids=["at once", "in pieces"])
def test_a_full_queue_before_the_disk_is_busy_and_leaks_nothing(
    limited: TestClient, services: Services, monkeypatch: pytest.MonkeyPatch, pieces: list[bytes]
) -> None:
    """503 when a body that must be spooled can't be; memory is given back, the next one is received."""
    monkeypatch.setattr(services.spool, "small", 100)
    with keeps_nothing(services), monkeypatch.context() as full:
        full.setattr(services.spool.lane, "_limit", 0)

        refused(through(limited, pieces, path=LOGO), 503, "busy")

    assert through(limited, pieces, path=LOGO).status_code in {200, 201}


def test_a_silent_change_is_cut(limited: TestClient) -> None:
    """A PATCH whose body stops coming doesn't wait for ever."""
    stored = through(limited, [logo(100)], path=LOGO).json()

    answer = through(limited, [b"{"], path=f"/v1/assets/{stored['id']}", method="PATCH", after="silence", patience=1)

    refused(answer, 408, "request_timeout")


@pytest.mark.parametrize(
    ("headers", "connection"),
    [
        ({"content-length": "100"}, None),
        ({"content-length": str(64 * 1024**2)}, None),
        ({"content-length": str(64 * 1024**2 + 1)}, "close"),
        ({"transfer-encoding": "chunked"}, "close"),
        ({"content-length": "100", "expect": "100-continue"}, "close"),
        ({}, None),
    ],
)
def test_an_unread_body_that_is_large_ends_the_connection(
    acme: TestClient, headers: dict[str, str], connection: str | None
) -> None:
    """A small one is thrown away by the server, so that the client can send it and read the answer."""
    answer = through(acme, [logo(100)], headers={"authorization": "", **headers})

    refused(answer, 401, "unauthorized")
    assert answer.headers.get("connection") == connection


def test_a_body_that_was_read_leaves_the_connection(acme: TestClient) -> None:
    """Whether it was stored or refused at its end."""
    for body, statuses in ((logo(LIMIT), {200, 201}), (form(part("x", "y")), {400})):
        answer = through(acme, [body], path=LOGO, headers={"transfer-encoding": "chunked"})

        assert answer.status_code in statuses
        assert "connection" not in answer.headers
