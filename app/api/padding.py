"""Blanks after a boundary (RFC 2046, transport padding): receivers accept them, the parser doesn't."""

import re

CRLF = b"\r\n"
LONGEST = 1024  # blanks
BLANKS = re.compile(rb"[ \t]{1,%d}(?=\r\n)" % LONGEST)


class Padding:
    """Takes the blanks out of the lines of boundaries, wherever the network has cut the body."""

    def __init__(self, boundary: str) -> None:
        self._line = b"--" + boundary.encode()  # no pattern is made of it: each request has another one
        self._before = CRLF  # the last two bytes that were passed on; a boundary may begin the body
        self._held = b""  # what could be the beginning of a padded line

    def removed(self, piece: bytes) -> bytes:
        """The next bytes without padding.

        Those that could belong to a padded line come with the next piece; a body that ends with them is cut.
        """
        data = self._held + piece if self._held else piece
        end = self._certain(data)
        passed, self._held = self._without_blanks(data[:end]), data[end:]
        self._before = (self._before + passed[-2:])[-2:]
        return passed

    def _certain(self, data: bytes) -> int:
        """How many bytes can be judged without seeing more."""
        at = data.rfind(self._line, max(0, len(data) - len(self._line) - LONGEST - 1))
        if at >= 0 and self._begins_line(data, at):
            rest = data[at + len(self._line) :].removesuffix(b"\r")
            if len(rest) <= LONGEST and not rest.strip(b" \t"):
                return at
        at = data.find(b"-", max(0, len(data) - len(self._line)))
        while at >= 0 and not (self._line.startswith(data[at:]) and self._begins_line(data, at)):
            at = data.find(b"-", at + 1)
        return len(data) if at < 0 else at

    def _without_blanks(self, data: bytes) -> bytes:
        kept: list[bytes] = []
        at, line = 0, data.find(self._line)
        while line >= 0:
            end = line + len(self._line)
            blanks = BLANKS.match(data, end)
            if blanks and self._begins_line(data, line):
                kept.append(data[at:end])
                at = blanks.end()
            line = data.find(self._line, end)
        return b"".join([*kept, data[at:]]) if kept else data

    def _begins_line(self, data: bytes, at: int) -> bool:
        return (data[at - 2 : at] if at >= len(CRLF) else (self._before + data[:at])[-2:]) == CRLF
