"""The parser of forms, strict about the ends of header lines wherever the network has cut the body."""

from multipart import ParserError, PushMultipartParser


class FormParser(PushMultipartParser):  # type: ignore[misc] # it comes without a marker that says that it has annotations
    """Refuses LF inside of a header line: the parser itself sees it only where a piece ends before the line does."""

    def _on_segment_headerline(self, line: bytes) -> None:
        if b"\n" in line:
            raise ParserError("Invalid line break in segment header")
        super()._on_segment_headerline(line)
