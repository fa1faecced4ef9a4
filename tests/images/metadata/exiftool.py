"""ExifTool, which knows every tag: one process for all questions."""

import json
import subprocess
from pathlib import Path
from typing import Self


class ExifTool:
    """A running ExifTool; `with` ends it."""

    def __enter__(self) -> Self:
        command = ["exiftool", "-stay_open", "True", "-@", "-", "-common_args", "-charset", "iptc=UTF8"]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            errors="replace",
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate("-stay_open\nFalse\n", timeout=10)

    def run(self, *arguments: str) -> str:
        """What it says to one command."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("\n".join([*arguments, "-execute", ""]))
        self._process.stdin.flush()
        return "".join(iter(self._process.stdout.readline, "{ready}\n"))

    def tags(self, data: bytes, folder: Path) -> dict[str, object]:
        """All tags of a file by group and name, those of embedded images too; without what the disk says of it."""
        path = folder / "asked"
        path.write_bytes(data)
        answer = self.run("-j", "-a", "-u", "-U", "-ee", "-G1:3:4", "-x", "System:all", "-x", "ExifTool:all", str(path))
        found = json.loads(answer)[0]
        return {name: value for name, value in found.items() if name != "SourceFile"}
