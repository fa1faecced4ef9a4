"""The Dockerfile: what builders refuse, what platforms replace, what a read-only disk needs."""

import re

import pytest

from tests.deploy.files import IMAGE_ONLY, dockerfile, image_environment, known_variables
from tests.serving import ROOT

IGNORED = (ROOT / ".dockerignore").read_text().splitlines()


def said(word: str, stage: int = 1) -> list[str]:
    """The arguments of every instruction of that name in a stage."""
    return [i.rest for i in dockerfile() if i.word == word and i.stage == stage]


def test_both_stages_have_the_same_base() -> None:
    """The environment that the first one makes points to the Python of the second."""
    bases = {i.rest.removesuffix(" AS build") for i in dockerfile() if i.word == "FROM"}

    assert bases == {"python:3.13-slim"}


def test_everything_that_is_installed_has_a_hash() -> None:
    """What comes from an index is pinned; our own code is installed without looking for more."""
    installs = [step for rest in said("RUN", 0) for step in rest.split("&&") if re.search(r"pip\b.* install ", step)]

    assert len(installs) == 2
    assert "--require-hashes" in installs[0]
    assert {"--no-deps", "--no-build-isolation"} <= set(installs[1].split())


def test_no_cache_of_pip_stays() -> None:
    """Neither in a layer of the build nor in the image."""
    assert "PIP_NO_CACHE_DIR=1" in " ".join(said("ENV", 0))
    assert not any("pip" in rest for rest in said("RUN"))


def test_trap_railway_refuses_volume_and_cache_mounts_without_its_own_ids() -> None:
    """`VOLUME` is banned there, and `--mount=type=cache` needs the number of a service that nobody has yet."""
    text = " ".join(f"{i.word} {i.rest}" for i in dockerfile())

    assert "VOLUME" not in text
    assert "--mount" not in text


def test_trap_the_command_is_not_run_by_a_shell() -> None:
    """A shell as process 1 keeps SIGTERM to itself: the command is a list."""
    command = [i for i in dockerfile() if i.word == "CMD"][-1]

    assert command.exec_form() == ["stowage", "serve"]


def test_trap_a_replaced_command_skips_no_entry_point() -> None:
    """Railway's start command replaces ENTRYPOINT: there is none that could be missed."""
    assert said("ENTRYPOINT") == []


def test_trap_no_port_stands_in_a_command() -> None:
    """Nothing expands `$PORT` without a shell: the service reads it itself."""
    assert not any("$PORT" in rest or "${PORT" in rest for rest in (*said("CMD"), *said("HEALTHCHECK")))


def test_trap_a_volume_of_root_needs_a_start_as_root() -> None:
    """No `USER`: the service gives the volume away and steps down; so RUN_AS is set, and not to root."""
    assert said("USER") == []
    assert int(image_environment()["RUN_AS"]) > 0


def test_trap_the_folder_of_a_railway_volume_is_not_hidden() -> None:
    """DATA_DIR would win over RAILWAY_VOLUME_MOUNT_PATH: the default folder, ./data, is /data by the working folder."""
    assert "DATA_DIR" not in image_environment()
    assert said("WORKDIR") == ["/"]


def test_a_container_listens_to_the_outside() -> None:
    """127.0.0.1 would be the container's own."""
    assert image_environment()["HOST"] == "0.0.0.0"


def test_the_port_is_right_where_no_platform_names_one() -> None:
    """The one that EXPOSE announces."""
    assert said("EXPOSE") == [image_environment()["PORT"]]


def test_the_image_means_production() -> None:
    """No development key, no open /docs."""
    assert image_environment()["APP_ENV"] == "production"


def test_a_read_only_disk_is_fine() -> None:
    """Code is compiled at build, whatever the times of files become, and Python writes no caches."""
    assert any("compileall" in rest and "unchecked-hash" in rest for rest in said("RUN", 0))
    assert image_environment()["PYTHONDONTWRITEBYTECODE"] == "1"


def test_logs_come_at_once() -> None:
    """A line in a buffer is lost at a kill."""
    assert image_environment()["PYTHONUNBUFFERED"] == "1"


def test_memory_goes_back() -> None:
    """Few arenas: each would keep what its threads freed."""
    assert image_environment()["MALLOC_ARENA_MAX"] == "2"


def test_the_health_check_asks_for_life_without_a_shell_or_curl() -> None:
    """In Python, at the port that the container has, and not for readiness: Docker restarts nothing for a store."""
    (check,) = [i for i in dockerfile() if i.word == "HEALTHCHECK"]

    assert check.exec_form()[0] == "python"
    assert "/healthz" in check.rest
    assert "environ['PORT']" in check.rest


def test_every_variable_of_the_image_is_known() -> None:
    """A misspelt one would be ignored in silence."""
    assert set(image_environment()) - IMAGE_ONLY <= known_variables()


@pytest.mark.parametrize("name", ["app", "alembic", "pyproject.toml", "requirements.txt", "README.md", "LICENSE"])
def test_what_the_build_needs_reaches_it(name: str) -> None:
    """Named in .dockerignore, and there."""
    assert f"!{name}" in IGNORED
    assert (ROOT / name).exists()


def test_nothing_else_reaches_the_build() -> None:
    """No .git, no tests, no data, no environment: all is ignored, then a few are named, caches are ignored again."""
    rules = [line for line in IGNORED if line and not line.startswith("#")]

    assert rules[0] == "*"
    assert rules[-1] == "**/__pycache__"
    copied = {name for i in dockerfile() if i.word == "COPY" and i.stage == 0 for name in i.rest.split()[:-1]}
    assert {line.removeprefix("!") for line in rules[1:-1]} == copied
