"""The generated parts of the documents: `make fix` writes them, `tests/test_docs.py` compares them."""

import re
from pathlib import Path

from app.cli import COMMANDS
from app.cli.settings import table
from app.errors import StowageError, every_error

ROOT = Path(__file__).parents[1]
ERRORS = """# Errors

Generated from `app/errors/` by `make fix`. Every refusal is `application/problem+json` (RFC 9457):

```json
{
  "type": "urn:stowage:error:file_too_large",
  "title": "The file is larger than its kind may be.",
  "status": 413,
  "code": "file_too_large",
  "detail": "A logo may have at most 5242880 bytes.",
  "request_id": "1c9d0c5e5b0f4f6e9a0f6f2f5d1b7a3c",
  "limit": 5242880
}
```

Switch on `code`: it never changes its meaning. `detail` is for people. `request_id` is also in the header
`X-Request-ID` and in the log. 4xx: the request is at fault. 503 and 507 come with `Retry-After`: nothing was stored,
and the same request may be sent again.

| status | code | what it means |
|---|---|---|
"""


def errors_page() -> str:
    """docs/errors.md."""
    rows = sorted(every_error(), key=lambda error: (error.status, error.code))
    return ERRORS + "".join(_row(error) for error in rows)


def readme(text: str) -> str:
    """The README with its generated blocks made anew."""
    commands = "\n".join(f"| `stowage {name}` | {meaning} |" for name, meaning in COMMANDS.items())
    text = _block(text, "settings", table())
    return _block(text, "commands", f"| command | what it does |\n|---|---|\n{commands}")


def write() -> None:
    """Write all of them."""
    (ROOT / "docs/errors.md").write_text(errors_page())
    path = ROOT / "README.md"
    path.write_text(readme(path.read_text()))


def _row(error: type[StowageError]) -> str:
    return f"| {error.status} | `{error.code}` | {error.title} |\n"


def _block(text: str, name: str, content: str) -> str:
    """Replace what stands between `<!-- name -->` and `<!-- /name -->`."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"the block {name} is missing")
    return pattern.sub(lambda match: match[1] + content + match[2], text)


if __name__ == "__main__":
    write()
