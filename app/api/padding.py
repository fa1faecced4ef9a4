"""Blanks after a boundary (RFC 2046, transport padding): receivers accept them, the parser doesn't."""

import re

CRLF = b"\r\n"
LONGEST = 1024  # blanks


class Padding:
    """Takes the blanks out of the lines of boundaries, wherever the network has cut the body."""

    def __init__(self, boundary: str) -> None:
        self._line = b"--" + boundary.encode()
        blanks = rb"[ \t]{%%d,%d}" % LONGEST
        self._padded = re.compile(re.escape(self._line) + blanks % 1 + rb"(?=\r\n)")
        self._unfinished = re.compile(re.escape(self._line) + blanks % 0 + rb"\r?\Z")
        self._before = CRLF  # the last two bytes that were passed on; a boundary may begin the body
        self._held = b""  # what could be the beginning of a padded line

    def removed(self, piece: bytes) -> bytes:
        """The next bytes without padding.

        Those that could belong to a padded line come with the next piece; a body that ends with them is cut.
        """
        data = self._held + piece if self._held else piece
        end = self._certain(data)
        passed, self._held = data[:end], data[end:]
        if self._line in passed:
            passed = self._padded.sub(self._without_blanks, passed)
        self._before = (self._before + passed[-2:])[-2:]
        return passed

    def _certain(self, data: bytes) -> int:
        """How many bytes can be judged without seeing more."""
        unfinished = self._unfinished.search(data, max(0, len(data) - len(self._line) - LONGEST - 1))
        if unfinished is not None and self._begins_line(data, unfinished.start()):
            return unfinished.start()
        at = data.find(b"-", max(0, len(data) - len(self._line)))
        while at >= 0 and not (self._line.startswith(data[at:]) and self._begins_line(data, at)):
            at = data.find(b"-", at + 1)
        return len(data) if at < 0 else at

    def _without_blanks(self, line: re.Match[bytes]) -> bytes:
        """The boundary alone, if it is one."""
        return self._line if self._begins_line(line.string, line.start()) else line[0]

    def _begins_line(self, data: bytes, at: int) -> bool:
        return (data[at - 2 : at] if at >= len(CRLF) else (self._before + data[:at])[-2:]) == CRLF
