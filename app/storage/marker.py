"""The marker: a small file that says whose disk this is."""

import json
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from app.errors import StorageUnavailable
from app.storage.folders import sync


@dataclass(frozen=True, slots=True)
class Marker:
    """The identity of one store on one disk, made once."""

    NAME: ClassVar[str] = ".stowage"

    store: str

    @classmethod
    def read_or_make(cls, root: Path, drafts: Path) -> Self:
        """The marker of this disk; made when there is none. Of two that make one at once, the first wins."""
        if (root / cls.NAME).exists():
            return cls._existing(root)
        draft = drafts / f"{uuid.uuid4().hex}{cls.NAME}"
        draft.write_text(json.dumps({"store": uuid.uuid4().hex, "about": "Stowage keeps files here: do not delete."}))
        sync(draft)
        try:
            os.link(draft, root / cls.NAME)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        sync(root)
        return cls._existing(root)

    @classmethod
    def read(cls, root: Path) -> Self | None:
        """The marker, or None when there is none that can be read."""
        try:
            store = json.loads((root / cls.NAME).read_text())["store"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return cls(store) if isinstance(store, str) else None

    @classmethod
    def _existing(cls, root: Path) -> Self:
        """A marker that can't be read may stand for a disk that is failing: nothing is written over it."""
        found = cls.read(root)
        if found is None:
            raise StorageUnavailable(f"The marker file {cls.NAME} of the store cannot be read.")
        return found
