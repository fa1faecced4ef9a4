"""The interface as its own description tells it: a real service, and schemathesis, which makes the calls."""

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.assets.contents import DOCUMENTS, POLYGLOTS
from tests.conftest import make_jpg, make_png
from tests.fuzz.watch import KEPT, Outcome
from tests.images.samples import WHOLE
from tests.images.svgs import HARMLESS, HOSTILE, svg
from tests.serving import Served, served

CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance"),
    *("response_headers_conformance", "documented"),
)
SLOWEST = 10  # seconds for one answer, on a machine that does other things too
ALWAYS, EACH, FEWEST = 400, 18, 5  # calls that no number changes; more for each example; examples
PATIENCE = 1200  # seconds for all of them
SETTINGS = {"API_KEYS": "acme:acme-key", "STRIP_METADATA": "all", "SWEEP_INTERVAL": "2", "LOG_LEVEL": "info"}
LARGEST = 20_000  # bytes of a file that is sent


def environment() -> Path:
    """Where the fuzzing tools are."""
    return Path(os.environ.get("FUZZ_VENV", ".venv-fuzz")).absolute()


def run(calls: int, seed: int) -> Outcome:
    """About so many calls."""
    outcome = Outcome("api", "schemathesis", seed)
    with tempfile.TemporaryDirectory(prefix="stowage-fuzz-") as folder:
        place = Path(folder)
        _write_files(place / "files")
        settings = {**SETTINGS, "DATA_DIR": str(place / "data")}
        with served(settings, place / "log") as service:
            before = _peak_mib(service)
            said = _walk(service.url, place, max(FEWEST, (calls - ALWAYS) // EACH), seed)
            outcome.growth_mib = _peak_mib(service) - before
            alive = service.process.poll() is None
        log = (place / "log").read_text()
        _judge(outcome, place, said, log if alive else f"{log}\nthe service is gone")
    return outcome


def _write_files(folder: Path) -> None:
    """What is sent: of every type, harmless and hostile."""
    folder.mkdir()
    drawn = [svg(inner) for inner in (*HARMLESS.values(), *HOSTILE.values())]
    documents = [content for content, _ in (DOCUMENTS | POLYGLOTS).values()]
    for number, data in enumerate([make_png(), make_jpg(), *WHOLE.values(), *documents, *drawn]):
        if len(data) < LARGEST:
            (folder / str(number)).write_bytes(data)


def _walk(url: str, place: Path, examples: int, seed: int) -> str:
    command = [
        *(str(environment() / "bin" / "st"), "run", f"{url}/openapi.json", "--seed", str(seed), "-n", str(examples)),
        *(
            "--checks",
            ",".join(CHECKS),
            "--max-response-time",
            str(SLOWEST),
            "--header",
            "Authorization: Bearer acme-key",
        ),
        *("--report", "json", "--report-json-path", str(place / "report"), "--generation-database", "none"),
        *("--no-color", "--no-shrink", "--warnings", "off", "--suppress-health-check", "all", "--continue-on-failure"),
    ]
    told = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path.cwd()),
        "SCHEMATHESIS_HOOKS": "tests.fuzz.hostile",
        "FUZZ_FILES": str(place / "files"),
        "FUZZ_SEED": str(seed),
        "FUZZ_LONGEST": str(place / "longest"),
    }
    done = subprocess.run(
        command, cwd=place, env=told, capture_output=True, text=True, timeout=PATIENCE, check=False, errors="replace"
    )
    return done.stdout + done.stderr


def _judge(outcome: Outcome, place: Path, said: str, log: str) -> None:
    if not (place / "report").exists():
        outcome.findings["no report"] = _kept(outcome, said)
        return
    report: dict[str, Any] = json.loads((place / "report").read_text())
    outcome.executions, outcome.seconds = report["test_cases"]["generated"], report["running_time"]
    outcome.longest_ms = float((place / "longest").read_text())
    for what in _wrong(report, log):
        outcome.findings[what] = _kept(outcome, said + "\n" + log)


def _wrong(report: dict[str, Any], log: str) -> Iterator[str]:
    for failure in [*report["failures"], *report["errors"]]:
        yield re.sub(r"\s+", " ", json.dumps(failure))[:400]
    if not report["complete"]:
        yield f"it stopped early: {report['stop_reason']}"
    if "request.crashed" in log or "Traceback" in log or "the service is gone" in log:
        yield "the service crashed"


def _kept(outcome: Outcome, text: str) -> str:
    KEPT.mkdir(parents=True, exist_ok=True)
    path = KEPT / f"api-{outcome.seed}.txt"
    path.write_text(text)
    return str(path)


def _peak_mib(service: Served) -> float:
    """The most memory that the service ever had; 0 where the kernel doesn't tell."""
    status = Path(f"/proc/{service.process.pid}/status")
    found = re.search(r"VmHWM:\s*(\d+)", status.read_text()) if status.exists() else None
    return int(found[1]) / 1024 if found else 0.0
