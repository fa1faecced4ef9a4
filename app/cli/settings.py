"""`stowage settings`: every variable, with its default and meaning."""

from pydantic import AliasChoices

from app.settings import Settings


def run() -> int:
    """Print the table."""
    print(table())
    return 0


def table() -> str:
    """The README's table, made from the classes: a variable, its other names, default, meaning."""
    lines = ["| variable | also | default | meaning |", "|---|---|---|---|"]
    for group in Settings.groups():
        for field in group.model_fields.values():
            names = field.validation_alias
            first, *others = map(str, names.choices) if isinstance(names, AliasChoices) else [str(names)]
            also = ", ".join(f"`{name}`" for name in others)
            lines.append(f"| `{first}` | {also} | {_shown(field.default)} | {field.description} |")
    return "\n".join(lines)


def _shown(default: object) -> str:
    match default:
        case None | ():
            return ""
        case bool():
            return f"`{str(default).lower()}`"
        case float():
            return f"`{default:g}`"
        case _:
            return f"`{default}`"
