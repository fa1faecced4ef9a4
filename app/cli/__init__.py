"""The other door: the command line.

stowage serve      run the service
stowage migrate    bring the database up to date
stowage sweep      delete what replacements, deletions and crashes left
stowage check      compare rows with the bytes in every store
stowage adopt      go on with another disk than the files were put on
stowage settings   every variable, as the README's table
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from importlib import import_module

from app.errors import StowageError
from app.settings.refusals import MISCONFIGURED, one_line

COMMANDS = {
    "serve": "run the service",
    "migrate": "bring the database up to date",
    "sweep": "delete what replacements, deletions and crashes left",
    "check": "compare rows with the bytes in every store",
    "adopt": "go on with another disk than the files were put on",
    "settings": "every variable, as the README's table",
}
WITH_OPTIONS = {"check"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code says how it went. What can't be done is said in one line."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # as process 1 of a container it would else be ignored
    parser = argparse.ArgumentParser(prog="stowage", description="Keeps uploaded files.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        if name in WITH_OPTIONS:
            import_module(f"app.cli.{name}").add_arguments(command)
    given = parser.parse_args(arguments)
    try:
        run = import_module(f"app.cli.{given.command}").run
        code: int = run(given) if given.command in WITH_OPTIONS else run()
    except ValueError as wrong:
        print(one_line(wrong), file=sys.stderr)
        return MISCONFIGURED
    except StowageError as failure:
        print(f"stowage: {failure.detail}", file=sys.stderr)
        return 1
    return code
