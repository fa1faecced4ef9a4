"""A multipart form, taken in piece by piece: text fields to a dictionary, files to the spool."""

from dataclasses import dataclass, field
from typing import Self

from multipart import MultipartError, MultipartSegment, ParserLimitReached

from app.api.disposition import read_parameters
from app.api.header_lines import FormParser
from app.api.padding import Padding
from app.api.preamble import Preamble
from app.assets.incoming import Incoming
from app.assets.policy import Policies, Policy
from app.errors import (
    FormTooLarge,
    InvalidField,
    MalformedMultipart,
    MissingFile,
    TooManyFiles,
    TruncatedBody,
    UnexpectedFile,
)
from app.storage.spool import Spool, Writer

FIELDS = 1024 * 1024  # bytes of all text fields together
PARTS = 128
PART_HEADER = 16 * 1024  # bytes of one header line of a part
PART_HEADERS = 16


@dataclass(frozen=True, slots=True)
class Expected:
    """What a door takes: files in these fields, at most so many, of this kind if the address tells it."""

    file_fields: tuple[str, ...]
    max_files: int
    kind: str | None = None


@dataclass(slots=True)
class Form:
    """A whole form. Its files are discarded with it, unless the waist has taken them."""

    fields: dict[str, str] = field(default_factory=dict)
    files: list[Incoming] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        for file in self.files:
            await file.discard()


class FormReader:
    """Fed with the pieces of a body; gives the form at its end."""

    def __init__(self, boundary: str, expected: Expected, policies: Policies, spool: Spool) -> None:
        self.form = Form()
        self._expected, self._policies, self._spool = expected, policies, spool
        self._parser = FormParser(
            boundary,
            max_header_size=PART_HEADER,
            max_header_count=PART_HEADERS,
            max_segment_count=PARTS,
            header_charset="latin-1",
        )
        self._preamble, self._padding = Preamble(boundary), Padding(boundary)
        self._name = ""
        self._filename: str | None = None
        self._declared = ""
        self._writer: Writer | None = None  # of the file that is coming in
        self._text = bytearray()  # of the field that is coming in
        self._field_bytes = 0
        self._seen: list[str] = []  # names of all parts, for the sentence about a missing file

    @property
    def policy(self) -> Policy:
        """What binds while receiving: the kind's policy once it is known, else the largest one."""
        kind = self._expected.kind or self.form.fields.get("kind")
        return self._policies[kind] if kind else self._policies.largest

    async def feed(self, piece: bytes) -> None:
        """Take the next bytes."""
        try:
            sure = self._padding.removed(self._preamble.removed(piece))
            for event in self._parser.parse(sure) if sure else ():
                if isinstance(event, MultipartSegment):
                    self._begin(event)
                elif event is None:
                    await self._end()
                else:
                    await self._take(event)
        except ParserLimitReached as failure:
            raise FormTooLarge(f"{failure}.") from failure
        except MultipartError as failure:
            raise MalformedMultipart(f"{failure}.") from failure

    def finish(self) -> Form:
        """The form, if its closing boundary was seen and it holds a file."""
        try:
            self._parser.close()
        except MultipartError as failure:
            raise TruncatedBody from failure
        if not self.form.files:
            fields = " or ".join(f"`{name}`" for name in self._expected.file_fields)
            came = ", ".join(self._seen) or "none"
            raise MissingFile(f"Send a file in the field {fields}. Fields that came: {came}.")
        return self.form

    async def abandon(self) -> None:
        """Leave nothing behind."""
        if self._writer is not None:
            await self._writer.discard()
        await self.form.__aexit__()

    def _begin(self, segment: MultipartSegment) -> None:
        parameters = read_parameters(segment.header("Content-Disposition", ""))
        if "name" not in parameters:
            raise MalformedMultipart("A part has no name.")
        self._name, self._filename = parameters["name"], parameters.get("filename")
        self._declared = segment.header("Content-Type", "")
        self._seen.append(self._name[:64])
        if self._filename is None:
            self._text.clear()
        elif self._name not in self._expected.file_fields and self._filename:
            raise self._unexpected()
        else:
            self._writer = self._spool.writer()

    async def _take(self, piece: bytes) -> None:
        if self._writer is None:
            self._field_bytes += len(piece)
            if self._field_bytes > FIELDS:
                raise FormTooLarge(f"The text fields may have {FIELDS} bytes together.", limit=FIELDS)
            self._text += piece
            return
        due = self._writer.feed(piece)
        if self._writer.size > self.policy.max_size:
            raise self.policy.too_large()
        if due:
            await self._writer.flush()

    async def _end(self) -> None:
        if self._writer is None:
            self._end_field()
            return
        body = await self._writer.finish()
        self._writer = None
        file = Incoming.of(self._filename or "", body, self._spool, declared=self._declared)
        if not self._filename and not body.size:  # a browser's file input in which nothing was chosen
            await file.discard()
            return
        if self._name not in self._expected.file_fields:
            await file.discard()
            raise self._unexpected()
        self.form.files.append(file)
        if len(self.form.files) > self._expected.max_files:
            raise TooManyFiles(self._takes(), limit=self._expected.max_files)

    def _end_field(self) -> None:
        if self._name in self._expected.file_fields:
            raise MissingFile(f"The field `{self._name}` came as text, without a file name: send it as a file.")
        try:
            self.form.fields[self._name] = self._text.decode()
        except UnicodeDecodeError:
            raise InvalidField(f"The field `{self._name[:64]}` is not UTF-8.") from None
        if self._name == "kind":
            _ = self.policy  # an unknown kind is refused before the file comes

    def _unexpected(self) -> UnexpectedFile:
        return UnexpectedFile(f"A file came in the field `{self._name[:64]}`. {self._takes()}")

    def _takes(self) -> str:
        many = "one file" if self._expected.max_files == 1 else f"up to {self._expected.max_files} files"
        return f"This address takes {many} in the field {' or '.join(f'`{f}`' for f in self._expected.file_fields)}."
