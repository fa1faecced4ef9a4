"""The marker: a small file that says whose disk this is."""

import json
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from app.storage.folders import sync


@dataclass(frozen=True, slots=True)
class Marker:
    """The identity of one store on one disk, made once."""

    NAME: ClassVar[str] = ".stowage"

    store: str

    @classmethod
    def read_or_make(cls, root: Path) -> Self:
        """The marker of this disk; made when there is none. Of two that make one at once, the first wins."""
        if (found := cls.read(root)) is not None:
            return found
        draft = root / f"{cls.NAME}.{uuid.uuid4().hex}"
        draft.write_text(json.dumps({"store": uuid.uuid4().hex, "about": "Stowage keeps files here: do not delete."}))
        sync(draft)
        try:
            os.link(draft, root / cls.NAME)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        sync(root)
        return cls(store=json.loads((root / cls.NAME).read_text())["store"])

    @classmethod
    def read(cls, root: Path) -> Self | None:
        """The marker, or None when there is none that can be read."""
        try:
            return cls(store=json.loads((root / cls.NAME).read_text())["store"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
