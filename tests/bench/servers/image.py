"""The environment of the service under test: the image's own, and what a bench must set besides."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import AliasChoices

from app.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
INSTRUCTION = re.compile(r"^ENV\s+(.*)$", re.MULTILINE)
PAIR = re.compile(r'(\w+)=("[^"]*"|\S+)')

# Where things lie in the image, and who runs them there.
OF_THE_IMAGE_ALONE = {"PATH", "ALEMBIC_CONFIG", "HOST", "PORT", "RUN_AS"}

# All that a bench may set: addresses, the credentials that go with them, and limits.
ADDRESSES = {"HOST", "PORT", "PUBLIC_BASE_URL", "DATA_DIR", "DATABASE_URL", "S3_BUCKET", "S3_REGION", "S3_ENDPOINT_URL"}
CREDENTIALS = {"API_KEYS", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
LIMITS = {"FILE_MAX_MB"}


def environment(dockerfile: Path = ROOT / "Dockerfile") -> dict[str, str]:
    """What the last stage of the Dockerfile sets, without what is true in the image alone."""
    last_stage = re.split(r"^FROM\s", dockerfile.read_text(), flags=re.MULTILINE)[-1]
    joined = last_stage.replace("\\\n", " ")
    pairs = [pair for text in INSTRUCTION.findall(joined) for pair in PAIR.findall(text)]
    return {name: value.strip('"') for name, value in pairs if name not in OF_THE_IMAGE_ALONE}


def with_settings(ours: Mapping[str, str], home: Path = ROOT) -> dict[str, str]:
    """The image's environment, of the checkout at `home`, and ours; ValueError if ours changes what is measured."""
    if strange := ours.keys() - ADDRESSES - CREDENTIALS - LIMITS:
        raise ValueError(f"the bench may set addresses and limits, not {', '.join(sorted(strange))}")
    return environment(home / "Dockerfile") | dict(ours)


def differing(variables: Mapping[str, str]) -> list[str]:
    """A line for every setting of the service that is not what it is by default, and for what it doesn't know."""
    defaults = dict(_defaults())
    lines = []
    for name, value in sorted(variables.items()):
        if name in CREDENTIALS:
            lines.append(f"{name}=… (a credential)")
        elif name not in defaults:
            lines.append(f"{name}={value} (the image's; no setting of the service)")
        elif value != str(defaults[name]):
            kind = "an address" if name in ADDRESSES else "a limit" if name in LIMITS else "the image's"
            lines.append(f"{name}={value} ({kind}; default: {defaults[name]})")
    return lines


def _defaults() -> Iterator[tuple[str, object]]:
    for group in Settings.groups():
        for field in group.model_fields.values():
            names = field.validation_alias
            for name in names.choices if isinstance(names, AliasChoices) else [names]:
                yield str(name), field.default
