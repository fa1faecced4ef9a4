"""The figures: medians, peaks, ratios and aims."""

from tests.bench import aims, report
from tests.bench.plan import QUICK, Figures
from tests.bench.profile import counted
from tests.bench.proof import Proof
from tests.bench.proof import counted as syncs_in


def rounds(**values: list[float]) -> list[Figures]:
    """One round for each of the values."""
    return [Figures(dict(zip(values, row, strict=True))) for row in zip(*values.values(), strict=True)]


def test_medians_and_peaks() -> None:
    """Of times and rates the median counts, of memory and disk the largest, of failures all."""
    measured = rounds(requests_per_second=[10.0, 30.0, 11.0], peak_mb=[1.0, 9.0, 2.0], spare_mb=[0.0, 0.0, 5.0])
    measured[1].complaints.append("one")

    assert report.summary(measured) == {"requests_per_second": 11.0, "peak_mb": 9.0, "spare_mb": 5.0, "failed": 1}


def test_ratios_are_to_the_tutorial() -> None:
    """A cell has the figure and its ratio; who is the measure is 1."""
    found = {
        "local+postgres": report.summary(rounds(requests_per_second=[1500.0], client=[99.0])),
        "tutorial": report.summary(rounds(requests_per_second=[500.0], client=[10.0])),
    }
    table = report.table("small", QUICK, 1, found)

    assert "| local+postgres | 1,500 (x3.00) |" in table
    assert "| tutorial | 500 (x1.00) |" in table
    assert "may be the limit: local+postgres." in table


def test_aims_say_whether_they_are_reached() -> None:
    """An aim is the ratio of two figures of one run, or a figure; what was not measured has no line."""
    found = {
        "small": {
            "local+postgres": {"requests_per_second": 900.0, "cpu_ms_per_request": 0.6},
            "tutorial": {"requests_per_second": 300.0},
        }
    }
    table = aims.table(found)

    assert "| small | local+postgres: requests a second / tutorial | at least 3 | 3 | yes |" in table
    assert "| small | local+postgres: CPU a request | at most 0.5 ms | 0.6 | no |" in table
    assert "django" not in table


def test_what_strace_counts_is_summed() -> None:
    """Both calls count, with and without the column of errors; the sum of all does not."""
    text = """\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 90.00    0.023456         117       200           fsync
 10.00    0.002000          10        20         1 fdatasync
------ ----------- ----------- --------- --------- ----------------
100.00    0.025456         115       220         1 total
"""

    assert syncs_in(text) == 220


def test_a_proof_that_does_not_fit_is_a_complaint() -> None:
    """A row too few, bytes that differ or fsyncs that are missing are told."""
    Proof("local+sqlite", requests=2, rows=2, objects=2, equal=2, fsyncs=4).judge(synced=True)
    for wrong in ({"requests": 3}, {"rows": 1}, {"objects": 3}, {"equal": 1}, {"fsyncs": 1}):
        proof = Proof("local+sqlite", **{"requests": 2, "rows": 2, "objects": 2, "equal": 2, "fsyncs": 4, **wrong})
        proof.judge(synced=True)
        assert proof.complaints, wrong


def test_a_profile_counts_functions_once_a_stack() -> None:
    """A function that calls itself is in a stack once; lines within a function are one function."""
    stacks = "main (a.py:1);f (a.py:5);f (a.py:6) 3\nmain (a.py:2);g (/x/lib/python3.11/b.py:1) 1\n"
    alone, within, total = counted(stacks)

    assert alone == {"f (a.py)": 3, "g (b.py)": 1}
    assert within == {"main (a.py)": 4, "f (a.py)": 3, "g (b.py)": 1}
    assert total == 4
