"""Logs: one event, one line, on stdout. JSON for machines, `LOG_FORMAT=console` for people."""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

request_id: ContextVar[str] = ContextVar("request_id", default="")
_noted: ContextVar[dict[str, object] | None] = ContextVar("noted", default=None)

BREAKS = {c: f"\\u{c:04x}" for c in (*range(0x7F, 0xA0), 0x2028, 0x2029)}  # controls and line ends that JSON lets stand
_ORDINARY = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}


def log(event: str, *, level: int = logging.INFO, failure: BaseException | None = None, **fields: object) -> None:
    """Write one event, named `noun.verb`, with its fields; `failure` adds the traceback to the same line."""
    logger = logging.getLogger("stowage")
    if logger.isEnabledFor(level):
        known = {key: value for key, value in fields.items() if value is not None}
        told = (type(failure), failure, failure.__traceback__) if failure else None
        record = logging.LogRecord(logger.name, level, "", 0, event, None, told)  # who logs it is plain by its name
        record.fields = known
        logger.handle(record)


def begin_request(rid: str) -> dict[str, Any]:
    """Open the context of one request; what is noted below it lands in the dictionary, for its one log line."""
    request_id.set(rid)
    fields: dict[str, Any] = {}
    _noted.set(fields)
    return fields


def note(**fields: object) -> None:
    """Add fields to the log line of the request under way."""
    if (noted := _noted.get()) is not None:
        noted |= fields


def configure(*, level: str, style: Literal["json", "console"], stream: TextIO | None = None) -> None:
    """Send every log line of the process, the server's and the libraries' too, to stdout in one form.

    Commands that print an answer send them to stderr.
    """
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonLines() if style == "json" else ConsoleLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # its warnings hold whole addresses, signatures too
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name in ("alembic", "asyncio", "botocore", "cloudinary", "httpcore", "httpx", "sqlalchemy"):
        logging.getLogger(name).setLevel(logging.WARNING)


class JsonLines(logging.Formatter):
    """One JSON object a line: `time`, `level`, `message` (the event), `request_id`, and the event's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """A line break in a field stays an escaped one: one event can't look like two."""
        line: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        if rid := request_id.get():
            line["request_id"] = rid
        line |= _fields(record)
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False).translate(BREAKS)


class ConsoleLines(logging.Formatter):
    """The same events for a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Time of day, level, event, then `key=value` pairs; odd characters are escaped."""
        fields = " ".join(f"{key}={_plain(value)}" for key, value in _fields(record).items())
        event = record.getMessage().replace("\n", "\\n")
        line = f"{_time(record)[11:23]} {record.levelname.lower():7} {event} {fields}".rstrip()
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fields(record: logging.LogRecord) -> dict[str, object]:
    """Those of an event of ours, or whatever a library adds to its own."""
    ours: dict[str, object] | None = getattr(record, "fields", None)
    return {k: v for k, v in vars(record).items() if k not in _ORDINARY} if ours is None else ours


def _plain(value: object) -> str:
    text = str(value)
    return text if text.isprintable() and " " not in text else json.dumps(text)
