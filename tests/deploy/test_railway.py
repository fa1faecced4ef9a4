"""Railway: railway.json for the services that still read it, .railway/railway.py for all others."""

import json
from typing import Any

import pytest

from app.settings import ServerSettings
from tests.deploy.files import known_variables, railway_module
from tests.serving import ROOT

MARGIN = 5  # seconds between our end and the platform's SIGKILL
STORES = ("volume", "bucket", "s3", "cloudinary")
JSON = json.loads((ROOT / "railway.json").read_text())
SAME = (
    "preDeployCommand",
    "healthcheckPath",
    "healthcheckTimeout",
    "restartPolicyType",
    "restartPolicyMaxRetries",
    "drainingSeconds",
    "overlapSeconds",
    "numReplicas",
)


def graph(store: str | None = None) -> dict[str, Any]:
    """Address -> resource, as `railway config plan` would send them."""
    shown = railway_module(store).main().to_graph()
    return {resource["address"]: resource for resource in shown["resources"]}


@pytest.fixture(params=["railway.json", "railway.py"])
def settings(request: pytest.FixtureRequest) -> dict[str, dict[str, Any]]:
    """`build` and `deploy` of each of the two files."""
    return JSON if request.param == "railway.json" else graph()["service.stowage"]


def test_trap_partial_keeps_railway_from_deleting_what_the_file_leaves_out() -> None:
    """A file without a name for its part owns the whole project, and `apply` deletes the rest of it."""
    assert railway_module().PARTIAL == "stowage"


def test_trap_words_that_the_sdk_does_not_know_are_dropped_in_silence() -> None:
    """Every setting of railway.json arrives in the graph with the same value."""
    service = graph()["service.stowage"]

    assert {name: service["deploy"].get(name) for name in SAME} == {name: JSON["deploy"][name] for name in SAME}
    assert service["build"] == JSON["build"]


def test_trap_nixpacks_is_gone(settings: dict[str, dict[str, Any]]) -> None:
    """The Dockerfile is built, whatever else Railway would detect."""
    assert settings["build"] == {"builder": "DOCKERFILE", "dockerfilePath": "Dockerfile"}


def test_trap_a_start_command_would_not_expand_the_port(settings: dict[str, dict[str, Any]]) -> None:
    """There is none: the image's own command reads PORT."""
    assert "startCommand" not in settings["deploy"]
    assert "$PORT" not in json.dumps(settings)


def test_trap_readiness_is_the_only_gate_before_traffic(settings: dict[str, dict[str, Any]]) -> None:
    """Railway asks at a deploy and never again: /readyz, and long enough for a database that starts too."""
    assert settings["deploy"]["healthcheckPath"] == "/readyz"
    assert settings["deploy"]["healthcheckTimeout"] >= 60


def test_trap_railway_kills_at_once_unless_it_is_told_to_wait(settings: dict[str, dict[str, Any]]) -> None:
    """Its default is 0 seconds; our graceful time ends a margin before."""
    assert settings["deploy"]["drainingSeconds"] >= ServerSettings().shutdown_timeout + MARGIN


def test_trap_seconds_are_numbers(settings: dict[str, dict[str, Any]]) -> None:
    """Railway's examples show strings; its types are integers."""
    deploy = settings["deploy"]

    assert all(type(deploy[name]) is int for name in ("drainingSeconds", "overlapSeconds", "healthcheckTimeout"))


def test_trap_a_pre_deploy_command_is_a_list_of_one(settings: dict[str, dict[str, Any]]) -> None:
    """It runs without entry point and without volume: `stowage migrate` needs neither."""
    assert settings["deploy"]["preDeployCommand"] == ["stowage migrate"]


def test_a_crash_is_followed_by_another_try(settings: dict[str, dict[str, Any]]) -> None:
    """And not by tries without end: a refusal to start is not healed by repeating it."""
    assert settings["deploy"]["restartPolicyType"] == "ON_FAILURE"
    assert 1 <= settings["deploy"]["restartPolicyMaxRetries"] <= 10


def test_trap_a_volume_allows_one_replica() -> None:
    """The volume is mounted where the image keeps its data, and the service is alone."""
    service = graph("volume")["service.stowage"]

    assert service["deploy"]["numReplicas"] == 1
    assert [mount["mountPath"] for mount in service["volumeAttachments"].values()] == ["/data"]


def test_trap_adding_a_postgres_gives_the_service_no_variable() -> None:
    """The reference is made."""
    resources = graph()

    assert resources["service.stowage"]["variables"]["DATABASE_URL"] == {
        "type": "reference",
        "resource": "database.Postgres",
        "output": "DATABASE_URL",
    }
    assert resources["database.Postgres"]["engine"] == "postgres"


def test_trap_a_bucket_injects_nothing() -> None:
    """Its five variables are referred to, by the names that the settings know."""
    resources = graph("bucket")
    wanted = resources["service.stowage"]["variables"]
    refers = {
        name: value["output"] for name, value in wanted.items() if value.get("resource") == "bucket.stowage-files"
    }

    names = ("BUCKET", "ENDPOINT", "REGION", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY")
    assert refers == {name: name for name in names}
    assert "bucket.stowage-files" in resources
    assert "volumeAttachments" not in resources["service.stowage"]


@pytest.mark.parametrize("store", STORES)
def test_trap_secrets_are_kept_and_never_written_down(store: str) -> None:
    """What is set by hand is preserved: left out, it would be deleted."""
    variables = graph(store)["service.stowage"]["variables"]
    literal = {name: v["value"] for name, v in variables.items() if v["type"] == "literal"}

    assert set(literal) == {"STORAGE_BACKEND"}
    assert variables["API_KEYS"] == {"type": "preserve"}


@pytest.mark.parametrize("store", STORES)
def test_every_variable_is_known(store: str) -> None:
    """A misspelt one would be ignored in silence."""
    assert set(graph(store)["service.stowage"]["variables"]) <= known_variables()


@pytest.mark.parametrize(("store", "backend"), [("volume", "local"), ("bucket", "s3"), ("cloudinary", "cloudinary")])
def test_each_store_is_named_as_the_service_names_it(store: str, backend: str) -> None:
    """Rather than found out by what variables there are."""
    assert graph(store)["service.stowage"]["variables"]["STORAGE_BACKEND"]["value"] == backend


def test_railway_json_has_known_keys_only() -> None:
    """Railway ignores what it doesn't know: `healthCheckPath` would be no health check."""
    assert set(JSON) == {"$schema", "build", "deploy"}
    assert set(JSON["build"]) == {"builder", "dockerfilePath"}
    assert set(JSON["deploy"]) == set(SAME)
