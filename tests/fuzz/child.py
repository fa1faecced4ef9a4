"""One target in a process of its own: `python -m tests.fuzz.child TARGET RUNS SEED REPORT`."""

import importlib.util
import json
import os
import sys
import tempfile
from pathlib import Path

from tests.fuzz.mutator import Mutator
from tests.fuzz.target import SECONDS, load
from tests.fuzz.watch import Outcome, Watch

OWN, GUIDED = "own mutator", "atheris"
PACKAGES = "FUZZ_PACKAGES"  # where the fuzzing environment keeps its packages
FUZZED = ["app", "multipart"]  # what a coverage-guided run follows
SLOWER = 5  # times that followed code may take


def main(target: str, runs: str, seed: str, report: str) -> None:
    """Run it with the engine that is there; the outcome goes into the report."""
    if packages := os.environ.get(PACKAGES):
        sys.path.append(packages)
    engine = GUIDED if importlib.util.find_spec("atheris") else OWN
    run = _guided if engine == GUIDED else _own
    run(Outcome(target, engine, int(seed)), int(runs), Path(report))


def _own(outcome: Outcome, runs: int, report: Path) -> None:
    target = load(outcome.target)
    watch = Watch(target, outcome)
    for data in Mutator(outcome.seed, target.seeds(), target.tokens).inputs(runs):
        watch.run(data)
        if watch.over:
            break
    report.write_text(json.dumps(watch.finish().json()))


def _guided(outcome: Outcome, runs: int, report: Path) -> None:
    """Half of the runs is chance, which repeats pieces; the other half follows what the code does with them."""
    import atheris

    with atheris.instrument_imports(include=FUZZED):
        target = load(outcome.target)
    watch = Watch(target, outcome, seconds=SLOWER * SECONDS)
    samples = target.seeds()
    for data in Mutator(outcome.seed, samples, target.tokens).inputs(runs // 2):
        watch.run(data)
        if watch.over:
            report.write_text(json.dumps(watch.finish().json()))
            return

    def one(data: bytes) -> None:
        watch.run(data)
        if watch.outcome.executions >= runs or watch.over:
            report.write_text(json.dumps(watch.finish().json()))
            os._exit(0)  # libFuzzer would not come back

    with tempfile.TemporaryDirectory() as folder:
        corpus, tokens = _files(Path(folder), samples, target.tokens)
        limits = [f"-seed={outcome.seed % 2**31 or 1}", "-max_len=65536", "-rss_limit_mb=4096", "-timeout=600"]
        atheris.Setup([sys.argv[0], *limits, f"-dict={tokens}", "-verbosity=0", str(corpus)], one)
        atheris.Fuzz()


def _files(folder: Path, samples: list[bytes], tokens: tuple[bytes, ...]) -> tuple[Path, Path]:
    """Samples and tokens as libFuzzer reads them."""
    corpus, words = folder / "corpus", folder / "tokens"
    corpus.mkdir()
    for number, sample in enumerate(samples):
        (corpus / str(number)).write_bytes(sample)
    words.write_text("".join('"' + "".join(f"\\x{byte:02x}" for byte in token) + '"\n' for token in tokens))
    return corpus, words


if __name__ == "__main__":
    main(*sys.argv[1:])
