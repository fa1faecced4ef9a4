"""The table at the end of the run: store x server x promises kept; a row with fewer than the others is a failure."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

CONTRACT = ("test_contract.py", "test_contract_lists.py")


class Promises:
    """Counts what each row of the contract was asked and what it kept. A skipped promise is not kept."""

    def __init__(self) -> None:
        self.asked: Counter[tuple[str, str]] = Counter()
        self.kept: Counter[tuple[str, str]] = Counter()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """After deselection: what is going to be asked."""
        for item in session.items:
            if row := _row(item):
                self.asked[row] += 1

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: Any) -> Iterator[None]:  # noqa: ARG002 - pytest's names
        """One promise, kept or not."""
        report = yield
        if report.when == "call" and report.passed and (row := _row(item)):
            self.kept[row] += 1
        return report

    @property
    def broken(self) -> list[tuple[str, str]]:
        """Rows that kept fewer than the most that any row was asked."""
        most = max(self.asked.values(), default=0)
        return [row for row in self.asked if self.kept[row] < most]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A run with such a row has failed, also when no test of it did."""
        if self.broken and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the table."""
        if self.asked:
            terminalreporter.section("the contract of the stores: promises kept")
            for store, server in sorted(self.asked):
                kept, asked = self.kept[store, server], self.asked[store, server]
                mark = "  FEWER THAN THE OTHERS" if (store, server) in self.broken else ""
                terminalreporter.write_line(f"{store:<12} {server:<12} {kept:>4} of {asked}{mark}")


def _row(item: pytest.Item) -> tuple[str, str] | None:
    """(store, server) of a contract test."""
    call = getattr(item, "callspec", None)
    row = call.params.get("backend") if call is not None and item.path.name in CONTRACT else None
    return row if isinstance(row, tuple) else None
