"""The files that platforms read, as their parsers see them."""

import importlib.util
import json
import shlex
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import yaml

from app.settings import Settings
from tests.serving import ROOT

MALLOC = {"MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"}
IMAGE_ONLY = MALLOC | {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "ALEMBIC_CONFIG"}


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of the Dockerfile, its continued lines joined, its comments gone."""

    word: str
    rest: str
    stage: int  # 0 builds, 1 is the image

    def exec_form(self) -> list[str]:
        """The words of `CMD ["a", "b"]`; ValueError when a shell would run it."""
        words: list[str] = json.loads(self.rest[self.rest.index("[") :])
        return words


def dockerfile() -> list[Instruction]:
    """The Dockerfile, instruction by instruction."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.lstrip().startswith("#")]
    found: list[Instruction] = []
    stage = -1
    for logical in "\n".join(lines).replace("\\\n", " ").splitlines():
        word, _, rest = logical.strip().partition(" ")
        stage += word == "FROM"
        if word:
            found.append(Instruction(word, rest.strip(), stage))
    return found


def image_environment() -> dict[str, str]:
    """What the image sets."""
    words = [w for i in dockerfile() if i.word == "ENV" and i.stage == 1 for w in shlex.split(i.rest)]
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def yaml_of(name: str) -> Any:
    """A file of YAML 1.1, the version that the platforms' parsers speak."""
    return yaml.safe_load((ROOT / name).read_text())


def railway_module(store: str | None = None) -> ModuleType:
    """`.railway/railway.py`, loaded as Railway's command line loads it; `store` is another one than it names."""
    spec = importlib.util.spec_from_file_location("railway_sdk_user", ROOT / ".railway" / "railway.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if store is not None:
        module.STORE = store
    return module


def known_variables() -> set[str]:
    """Every environment variable that the settings read."""
    fields = [field for group in Settings.groups() for field in group.model_fields.values()]
    return {str(name) for field in fields for name in field.validation_alias.choices}
