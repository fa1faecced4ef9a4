"""render.yaml: one misspelt key rejects the whole file, and some that are left out cost money or privacy."""

from typing import Any

from app.settings import ServerSettings
from tests.deploy.files import known_variables, yaml_of
from tests.serving import ROOT

MARGIN = 5  # seconds between our end and the platform's SIGKILL
RENDERS_DEFAULT = 30  # seconds from SIGTERM to SIGKILL
FORBIDDEN = ("/", "/opt", "/opt/render", "/home", "/home/render", "/etc", "/etc/secrets")  # mount paths
BLUEPRINT = yaml_of("render.yaml")
SERVICE: dict[str, Any] = BLUEPRINT["services"][0]
VARIABLES = {variable["key"]: variable for variable in SERVICE["envVars"]}


def test_trap_unquoted_off_is_false_in_yaml_1_1() -> None:
    """`generation: off` would be a boolean, and the file refused."""
    assert BLUEPRINT["previews"]["generation"] == "off"
    assert SERVICE["autoDeployTrigger"] in {"commit", "checksPass", "off"}


def test_trap_env_is_refused_where_runtime_is_meant() -> None:
    """Old guides say `env: docker`."""
    assert SERVICE["runtime"] == "docker"
    assert "env" not in SERVICE


def test_trap_keys_are_spelt_as_render_spells_them() -> None:
    """A key that Render doesn't know rejects the file."""
    assert set(SERVICE) == {
        "type",
        "name",
        "runtime",
        "plan",
        "region",
        "dockerfilePath",
        "preDeployCommand",
        "healthCheckPath",
        "numInstances",
        "autoDeployTrigger",
        "disk",
        "envVars",
    }
    assert set(BLUEPRINT) == {"services", "databases", "previews"}


def test_trap_liveness_not_readiness_is_asked_for_all_its_life() -> None:
    """Render restarts what fails for a minute: a store that is down must not restart a healthy service."""
    assert SERVICE["healthCheckPath"] == "/healthz"


def test_trap_a_shutdown_delay_is_refused_together_with_a_disk() -> None:
    """And on the free plan. Without it Render waits long enough for our graceful time."""
    assert "disk" in SERVICE
    assert "maxShutdownDelaySeconds" not in SERVICE
    assert ServerSettings().shutdown_timeout <= RENDERS_DEFAULT - MARGIN


def test_trap_left_out_a_plan_is_not_free() -> None:
    """The plan is said, for the service and for the database; a disk needs a paid one."""
    assert SERVICE["plan"] == "starter"
    assert BLUEPRINT["databases"][0]["plan"].startswith("basic")


def test_trap_no_start_command_with_a_port() -> None:
    """The image reads PORT; a command of ours would only replace its own."""
    assert "dockerCommand" not in SERVICE
    assert "$PORT" not in (ROOT / "render.yaml").read_text()


def test_trap_a_database_without_an_allow_list_is_open_to_the_internet() -> None:
    """An empty list: only the services of the account."""
    assert [database["ipAllowList"] for database in BLUEPRINT["databases"]] == [[]]


def test_trap_the_version_of_postgres_is_a_string() -> None:
    """A number is refused."""
    assert BLUEPRINT["databases"][0]["postgresMajorVersion"] == "18"


def test_trap_the_internal_address_works_in_one_region_only() -> None:
    """Service and database are neighbours; neither can move later."""
    assert SERVICE["region"] == BLUEPRINT["databases"][0]["region"]


def test_trap_a_disk_allows_one_instance() -> None:
    """Scaling is left alone."""
    assert SERVICE["numInstances"] == 1
    assert "scaling" not in SERVICE


def test_trap_the_disk_is_where_the_service_writes() -> None:
    """And at a path that Render allows."""
    assert SERVICE["disk"]["mountPath"] == VARIABLES["DATA_DIR"]["value"]
    assert SERVICE["disk"]["mountPath"] not in FORBIDDEN


def test_trap_left_out_a_disk_has_ten_gigabytes() -> None:
    """And can't be made smaller."""
    assert SERVICE["disk"]["sizeGB"] == 1


def test_trap_values_are_not_put_together() -> None:
    """Render has no interpolation: the whole connection string is referred to."""
    assert VARIABLES["DATABASE_URL"]["fromDatabase"] == {
        "name": BLUEPRINT["databases"][0]["name"],
        "property": "connectionString",
    }
    assert "${" not in (ROOT / "render.yaml").read_text()


def test_secrets_are_asked_for_or_generated() -> None:
    """A generated key has no tenant: API_KEYS is asked for."""
    assert VARIABLES["API_KEYS"] == {"key": "API_KEYS", "sync": False}
    assert VARIABLES["JWT_SECRET"] == {"key": "JWT_SECRET", "generateValue": True}


def test_a_variable_has_one_source() -> None:
    """Render refuses two, and none."""
    assert all(len(variable) == 2 for variable in VARIABLES.values())


def test_every_variable_is_known() -> None:
    """A misspelt one would be ignored in silence."""
    assert set(VARIABLES) <= known_variables()


def test_trap_migrations_run_before_the_old_version_stops() -> None:
    """With a disk the old one is stopped first: a failed migration must be known earlier."""
    assert SERVICE["preDeployCommand"] == "stowage migrate"


def test_editors_find_the_schema() -> None:
    """The first line names it."""
    first = (ROOT / "render.yaml").read_text().splitlines()[0]

    assert first == "# yaml-language-server: $schema=https://render.com/schema/render.yaml.json"
