"""What stands before the first boundary (RFC 2046): ignored, wherever the network has cut the body."""

from app.errors import MalformedMultipart

CRLF = b"\r\n"


class Preamble:
    """Passes on nothing before the first boundary, and all from there on.

    The parser would forget what it has skipped, and take a boundary in the middle of a line for one at its beginning.
    """

    def __init__(self, boundary: str) -> None:
        self._line = b"--" + boundary.encode()
        self._held = CRLF  # the last bytes, as many as a boundary and a line's end have; a boundary may begin the body
        self._over = False

    def removed(self, piece: bytes) -> bytes:
        """The next bytes without the preamble; `MalformedMultipart` where the first boundary doesn't begin a line."""
        if self._over or (self._held == CRLF and piece.startswith(self._line)):  # nearly always: nothing is copied
            self._over = True
            return piece
        data = self._held + piece
        at = data.find(self._line, len(CRLF))
        if at < 0:
            self._held = data[-(len(self._line) + 1) :]
            return b""
        if data[at - 2 : at] != CRLF:
            raise MalformedMultipart("There is something before the first boundary on its line.")
        self._over, self._held = True, b""
        return data[at:]
