"""Multipart bodies made by hand: byte for byte what a test wants to send."""

from collections.abc import Mapping

from httpx2 import Response
from starlette.testclient import TestClient

BOUNDARY = "a-frontier"


def part(name: str, content: bytes | str, filename: str | None = None, *, headers: str = "") -> bytes:
    """One part; `headers` are whole lines, each with its CRLF."""
    disposition = f'form-data; name="{name}"' + ("" if filename is None else f'; filename="{filename}"')
    data = content.encode() if isinstance(content, str) else content
    return f"Content-Disposition: {disposition}\r\n{headers}\r\n".encode() + data


def form(*parts: bytes, boundary: str = BOUNDARY) -> bytes:
    """The parts between their boundaries."""
    mark = f"--{boundary}".encode()
    return b"".join(mark + b"\r\n" + each + b"\r\n" for each in parts) + mark + b"--\r\n"


def typed(boundary: str = BOUNDARY) -> dict[str, str]:
    """The header that names the boundary."""
    return {"content-type": f"multipart/form-data; boundary={boundary}"}


def post(
    client: TestClient, *parts: bytes, path: str = "/v1/assets", headers: Mapping[str, str] | None = None
) -> Response:
    """Send a form made of these parts."""
    return client.post(path, content=form(*parts), headers={**typed(), **(headers or {})})
