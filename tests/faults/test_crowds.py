"""F3, F25, F26: hundreds of silent clients, the largest uploads at once, and a process that is given little."""

import contextlib
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.api.forms import BOUNDARY, form, part
from tests.faults.place import HEADERS, KEY, PATIENCE, Place, logo, png, put_logo, talking, upload, whole
from tests.serving import Served

STALLED, COUNT = 200, 100
MB = 1024 * 1024
HEAD = (
    f"POST /v1/assets?kind=photo HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {KEY}\r\n"
    f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {2 * MB}\r\n\r\n"
).encode()
START = form(part("file", png(1, size=MB), "a.png"))


@contextlib.contextmanager
def stalled(service: Served, count: int, sent: int) -> Iterator[list[socket.socket]]:
    """So many uploads of which so many bytes have come, and nothing more comes."""
    with contextlib.ExitStack() as stack:
        sockets = []
        for _ in range(count):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", service.port), 10))
            connection.sendall(HEAD + START[:sent])
            sockets.append(connection)
        yield sockets


def times(call: Callable[[], Any], count: int) -> list[float]:
    """How long each of so many calls takes, in seconds, the shortest first."""
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        answer = call()
        taken.append(time.perf_counter() - began)
        assert answer.status_code in {200, 201}, answer.text
    return sorted(taken)


def open_files(service: Served) -> int:
    """How many the process has."""
    return len(list(Path(f"/proc/{service.process.pid}/fd").iterdir()))


def test_f03_two_hundred_stalled_uploads_are_not_felt(sqlite: Place) -> None:
    """Small uploads take about as long as in an idle service; the stalled ones cost a file each, no thread."""
    with sqlite.service() as service, talking(service) as client:
        times(lambda: upload(client, png(0)), 10)
        idle = times(lambda: upload(client, png(1)), COUNT)
        with stalled(service, STALLED, 300_000):
            busy = times(lambda: upload(client, png(2)), COUNT)
            held = open_files(service)
        again = times(lambda: upload(client, png(3)), COUNT)

    quiet = max(idle[-2], again[-2])
    figures = f"idle p99 {1000 * quiet:.1f} ms, with {STALLED} stalled {1000 * busy[-2]:.1f} ms"
    print(f"{figures}: {busy[-2] / quiet:.1f} times; medians {busy[COUNT // 2] / idle[COUNT // 2]:.1f} times")  # noqa: T201 - for people
    assert held < 3 * STALLED
    assert busy[COUNT // 2] < 4 * max(idle[COUNT // 2], again[COUNT // 2]) + 0.02
    assert busy[-2] < 6 * quiet + 0.2


def test_f25_the_largest_uploads_do_not_block_the_loop(sqlite: Place) -> None:
    """Four of 100 MB at once: /healthz answers in between, always, and all four are stored."""
    content = b"\0" + bytes(100 * MB - 1)
    answers: list[int] = []

    def send(service: Served) -> None:
        with httpx2.Client(base_url=service.url, headers=HEADERS, timeout=2 * PATIENCE) as client:
            answers.append(client.post("/v1/assets?kind=file", files={"file": ("a.bin", content)}).status_code)

    with sqlite.service() as service, talking(service) as client:
        times(lambda: client.get("/healthz"), 5)
        threads = [threading.Thread(target=send, args=[service]) for _ in range(4)]
        for thread in threads:
            thread.start()
        taken = []
        while any(thread.is_alive() for thread in threads):
            taken += times(lambda: client.get("/healthz"), 1)
            time.sleep(0.05)

    taken.sort()
    print(f"/healthz: median {1000 * statistics.median(taken):.1f} ms, longest {1000 * taken[-1]:.0f} ms")  # noqa: T201
    assert answers == [201] * 4
    assert taken[-1] < 2


def test_f26_few_files(sqlite: Place) -> None:
    """100 clients, and the process may open 80 files: it lives on, and is well when they have gone."""
    with sqlite.service(prefix=["prlimit", "--nofile=80"]) as service, talking(service) as client:
        put_logo(client, png(0))
        with stalled(service, 100, 300_000):
            time.sleep(0.5)
            with contextlib.suppress(httpx2.TransportError):
                assert client.get("/healthz", timeout=2).status_code == 200
            with contextlib.suppress(httpx2.TransportError):
                assert put_logo(client, png(1), timeout=2).status_code in {200, 503}
        began = time.monotonic()
        while service.process.poll() is None and time.monotonic() < began + 10:
            with contextlib.suppress(httpx2.TransportError):
                if put_logo(client, png(2), timeout=2).status_code == 200:
                    break
        assert logo(client) == png(2)
        assert '"status": 500' not in sqlite.log


@pytest.mark.slow
def test_f26_little_memory(sqlite: Place) -> None:
    """120 MB more than when idle, and 30 uploads of 14 MB at once: it lives on, and nothing is halved.

    400 is the HTTP parser's word for having no memory itself.
    """
    with sqlite.service() as service:
        status = Path(f"/proc/{service.process.pid}/status").read_text()
    room = (int(status.partition("VmSize:")[2].split()[0]) + 120_000) * 1024
    answers: list[int] = []

    def send(service: Served, number: int) -> None:
        with contextlib.suppress(httpx2.TransportError), talking(service) as client:
            answers.append(upload(client, png(number, size=14 * MB)).status_code)

    with sqlite.service(prefix=["prlimit", f"--as={room}"]) as service, talking(service) as client:
        threads = [threading.Thread(target=send, args=[service, number]) for number in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert client.get("/healthz").status_code == 200
    print(sorted(answers))  # noqa: T201 - for people
    left = sqlite.settled()
    assert left == whole(len(left.rows))
    assert len(left.rows) >= answers.count(201)
    assert set(answers) <= {201, 400, 503}
