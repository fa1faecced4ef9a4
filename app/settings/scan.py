"""Whether uploads are scanned for viruses, and by whom."""

import re

from pydantic import field_validator

from app.settings.group import Group, env

NAME = r"[\w-]{1,63}(?:\.[\w-]{1,63})*"  # as it can be looked up
TCP = re.compile(rf"(?ai)(?:tcp://)?(?:(?P<name>{NAME})|\[(?P<ipv6>[\da-f:.]+)\]):(?P<port>\d{{1,5}})/?")
UNIX = re.compile(r"(?i)unix://(?P<path>/.*[^/])")
PORTS = range(1, 65536)
LONGEST_PATH = 107  # bytes; what unix(7) has room for


class ScanSettings(Group):
    """Whether uploads are scanned for viruses."""

    clamd: str | None = env(
        "CLAMD_URL",
        default=None,
        text="Where clamd scans every upload for viruses: `tcp://host:3310` or `unix:///path`; unset: no scan.",
    )

    @property
    def clamd_at(self) -> tuple[str, int] | str | None:
        """Host and port, or the path of a socket."""
        return None if self.clamd is None else _place(self.clamd)

    @field_validator("clamd")
    @classmethod
    def _leads_somewhere(cls, value: str | None) -> str | None:
        if value is not None and _place(value) is None:
            raise ValueError("it has the form tcp://host:3310 or unix:///path/of/its/socket")
        return value


def _place(url: str) -> tuple[str, int] | str | None:
    """None for what leads nowhere: it must not mean that nobody scans. Render gives `host:3310`."""
    if (unix := UNIX.fullmatch(url)) and len(unix["path"].encode()) <= LONGEST_PATH:
        return unix["path"]
    if (tcp := TCP.fullmatch(url)) and int(tcp["port"]) in PORTS:
        return tcp["ipv6"] or tcp["name"], int(tcp["port"])
    return None
