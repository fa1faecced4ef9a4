"""The Cloudinary stand-in is a real HTTP server: connections that stay, bodies that break, an end without traces."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import cloudinary
import cloudinary.api
import cloudinary.uploader
import pytest

from tests.conftest import make_png
from tests.serving import free_port
from tests.standins.cloudinary.callers import client, message, opened, post, send, signed, spoken_to
from tests.standins.cloudinary.cloud import Cloud, running


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """A Cloudinary of our own."""
    with opened() as cloud:
        yield cloud


def talk(cloud: Cloud, request: bytes, *, end: bool = False) -> bytes:
    """Send bytes as they are, and read what comes until the other side has finished."""
    with socket.create_connection(("127.0.0.1", int(cloud.url.rpartition(":")[2])), timeout=10) as connection:
        connection.sendall(request)
        if end:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


def head(cloud: Cloud, *lines: str) -> bytes:
    """The head of an upload."""
    first = f"POST /v1_1/{cloud.cloud_name}/raw/upload HTTP/1.1"
    return "\r\n".join((first, "Host: x", "Connection: close", *lines, "", "")).encode()


def multipart(cloud: Cloud, content: bytes) -> bytes:
    """The body of a signed upload, with the boundary b."""
    fields = b"".join(
        f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n--b\r\n'.encode()
        for name, value in signed(cloud, public_id="x").items()
    )
    file = b'Content-Disposition: form-data; name="file"; filename="f"\r\n\r\n' + content
    return b"--b\r\n" + fields + file + b"\r\n--b--\r\n"


def test_the_folder_does_not_hide_the_sdk():
    """`import cloudinary` is the SDK, though a folder here has that name."""
    assert "site-packages" in cloudinary.__file__


def test_a_connection_is_used_again(cloud):
    """Also after refusals."""
    with client() as caller:
        url = f"{cloud.url}/v1_1/{cloud.cloud_name}/raw/upload"
        statuses = [
            caller.post(
                url, data=signed(cloud, secret=secret, public_id="x"), files={"file": ("x", b"bytes")}
            ).status_code
            for secret in ("", "wrong", "")
        ]

    assert statuses == [200, 401, 200]
    assert len({call.connection for call in cloud.calls}) == 1


def test_the_sdk_is_configured_by_the_environment(cloud, monkeypatch):
    """`environment` has the variables, `address` is CLOUDINARY_URL: the SDK needs nothing else."""
    for variables in (cloud.environment, {"CLOUDINARY_URL": cloud.address}):
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            cloudinary.reset_config()
            assert cloudinary.api.ping()["status"] == "ok"
    cloudinary.reset_config()


def test_many_callers_at_once(cloud):
    """Forty uploads by eight callers: all are stored, each as it was sent."""

    def store(caller: int) -> None:
        for number in range(5):
            send(cloud, f"{caller}-{number}".encode(), public_id=f"{caller}-{number}").raise_for_status()

    callers = [threading.Thread(target=store, args=(caller,)) for caller in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert len(cloud.assets) == 40
    assert all(asset.content == asset.public_id.encode() for asset in cloud.assets.values())


def test_calls_are_recorded(cloud):
    """With what was sent and what was answered, in order."""
    send(cloud, b"bytes", public_id="x", tags="a")
    send(cloud, b"", public_id="y")

    first, second = cloud.named("upload")
    assert (first.method, first.resource_type, first.fields["tags"], first.size) == ("POST", "raw", "a", 5)
    assert [(call.status, call.message) for call in (first, second)] == [(200, ""), (400, "Empty file")]


@pytest.mark.parametrize("size", [0, 1, 100, 9_000])
def test_a_body_that_ends_early_stores_nothing(cloud, size):
    """The caller went away in the middle."""
    request = multipart(cloud, bytes(10_000))
    lines = ("Content-Type: multipart/form-data; boundary=b", f"Content-Length: {len(request)}")

    assert talk(cloud, head(cloud, *lines) + request[:size], end=True) == b""
    assert (cloud.assets, list(cloud.folder.iterdir())) == ({}, [])
    assert b" 200 " in talk(cloud, head(cloud, *lines) + request)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--b--\r\n"),
        ("multipart/form-data; boundary=b", b"words"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\nend'),
        ("application/x-www-form-urlencoded", b"public_id=a&public_id=b"),
        ("application/json", b"{}"),
    ],
)
def test_a_broken_body_is_refused(cloud, content_type, body):
    """400, and the answer arrives."""
    answer = talk(cloud, head(cloud, f"Content-Type: {content_type}", f"Content-Length: {len(body)}") + body)

    assert answer.startswith(b"HTTP/1.1 400 ")


def test_a_field_that_comes_twice_is_refused(cloud):
    """Which of the two was signed? 400; a list says so with [], and is signed with commas."""
    twice = post(cloud, "raw/upload", signed(cloud, public_id="x") | {"public_id": ["x", "y"]}, b"bytes")
    fields = signed(cloud, public_id="x", tags="a,b")
    listed = post(cloud, "raw/upload", fields | {"tags[]": [fields.pop("tags")[0], "b"]}, b"bytes")

    assert (twice.status_code, message(twice)) == (400, "Parameter public_id was sent twice")
    assert listed.json()["tags"] == ["a", "b"]


def test_a_refusal_is_read_by_whoever_is_still_speaking(cloud):
    """The rest of a body is read and forgotten, so that no reset overtakes the answer."""
    body = bytes(8_000_000)
    lines = ("Content-Type: application/json", f"Content-Length: {len(body)}")

    assert talk(cloud, head(cloud, *lines) + body).startswith(b"HTTP/1.1 413 ")


def test_a_body_may_come_without_a_length(cloud):
    """Transfer-Encoding: chunked; a chunk without a size is a 400, one that ends early stores nothing."""
    request = multipart(cloud, b"bytes")
    sent = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (request[:10], request[10:])) + b"0\r\n\r\n"
    lines = ("Transfer-Encoding: chunked", "Content-Type: multipart/form-data; boundary=b")

    assert talk(cloud, head(cloud, *lines) + sent[:-60], end=True) == b""
    assert talk(cloud, head(cloud, *lines) + b"x\r\n").startswith(b"HTTP/1.1 400 ")
    assert cloud.assets == {}
    assert talk(cloud, head(cloud, *lines) + sent).startswith(b"HTTP/1.1 200 ")
    assert cloud.assets["raw", "upload", "x"].content == b"bytes"


def test_a_length_that_is_none_is_refused(cloud):
    """400."""
    assert talk(cloud, head(cloud, "Content-Length: -1")).startswith(b"HTTP/1.1 400 ")


def test_whoever_asks_first_is_told_to_go_on(cloud):
    """`Expect: 100-continue`, as curl sends it."""
    lines = ("Expect: 100-continue", "Content-Type: application/json", "Content-Length: 2")

    assert talk(cloud, head(cloud, *lines) + b"{}").startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 ")


@pytest.mark.parametrize("path", ["image/explicit", "image/rename", "a/b/c"])
def test_what_it_does_not_do_it_says(cloud, path):
    """404 for calls of the Upload API beyond upload, destroy and download."""
    answer = post(cloud, path, signed(cloud, public_id="x"))

    assert (answer.status_code, message(answer).startswith("The stand-in does not do: POST")) == (404, True)


def test_nothing_is_left_at_the_end():
    """No thread, no file, no port, though a connection is still open and idle."""
    threads = threading.active_count()
    with running() as cloud:
        send(cloud, b"bytes", public_id="x").raise_for_status()
        cloudinary.api.ping(**cloud.options)
        port = int(cloud.url.rpartition(":")[2])

    assert (threading.active_count(), cloud.folder.exists()) == (threads, False)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=10)


def test_a_defect_of_the_stand_in_fails_the_test():
    """It is raised at the end of the block."""

    def use_a_broken_one() -> None:
        with running() as cloud:
            cloud.shelf = None
            talk(cloud, b"GET /stand-in/raw/upload/v1/x HTTP/1.1\r\nHost: x\r\n\r\n")

    with pytest.raises(ExceptionGroup, match="the Cloudinary stand-in failed"):
        use_a_broken_one()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_can_be_tried_by_hand(number):
    """It prints a CLOUDINARY_URL that the SDK takes as it is, and ends when interrupted or terminated."""
    port = free_port()
    code = "import cloudinary.uploader as u, sys; print(u.upload(sys.stdin.buffer, public_id='x')['format'])"
    with spoken_to("-m", "tests.standins.cloudinary", "--port", str(port)) as process:
        line = process.stdout.readline().strip()
        environment = {"PATH": os.environ["PATH"], "CLOUDINARY_URL": line.removeprefix("CLOUDINARY_URL=")}
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=environment, input=make_png(), capture_output=True, timeout=60, check=False)
        process.send_signal(number)
        process.wait(30)

    assert (done.stdout, done.stderr) == (b"png\n", b"")
    assert (process.returncode, f"upload_prefix=http://127.0.0.1:{port}" in line) == (0, True)
