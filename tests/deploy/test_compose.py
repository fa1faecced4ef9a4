"""docker-compose.yml: the service beside a Postgres, as on a platform."""

import re

from app.settings import ServerSettings
from tests.deploy.files import known_variables, yaml_of
from tests.serving import ROOT

COMPOSE = yaml_of("docker-compose.yml")
SERVICES = COMPOSE["services"]
STOWAGE, POSTGRES = SERVICES["stowage"], SERVICES["postgres"]


def test_it_starts_when_the_database_answers() -> None:
    """Not when its container exists."""
    assert STOWAGE["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert "pg_isready" in POSTGRES["healthcheck"]["test"]


def test_the_service_finds_its_database() -> None:
    """Name, user and password are the same on both sides; rows outlive the container."""
    database = POSTGRES["environment"]
    account = f"{database['POSTGRES_USER']}:{database['POSTGRES_PASSWORD']}"

    assert STOWAGE["environment"]["DATABASE_URL"] == f"postgresql://{account}@postgres/{database['POSTGRES_DB']}"
    assert set(COMPOSE["volumes"]) == {"postgres"}


def test_it_is_built_here_and_started_again() -> None:
    """From the Dockerfile of this folder, also after a reboot."""
    assert STOWAGE["build"] == "."
    assert {service["restart"] for service in SERVICES.values()} == {"unless-stopped"}


def test_permalinks_name_the_port_that_is_published() -> None:
    """PORT changes both; inside it stays the image's."""
    address, port = STOWAGE["environment"]["PUBLIC_BASE_URL"], STOWAGE["ports"][0]

    assert f"{address}:8000" == f"http://{port}"


def test_a_missing_key_is_said_before_anything_starts() -> None:
    """Compose refuses with our sentence."""
    assert re.fullmatch(r"\$\{API_KEYS:\?.*tenant:key.*\}", STOWAGE["environment"]["API_KEYS"])


def test_nobody_outside_the_machine_reaches_it() -> None:
    """A published port without an address is open to the network, past the firewall."""
    assert all(port.startswith("127.0.0.1:") for port in STOWAGE["ports"])
    assert "ports" not in POSTGRES


def test_trap_compose_kills_after_ten_seconds_unless_it_is_told_to_wait() -> None:
    """Longer than running requests get."""
    assert float(STOWAGE["stop_grace_period"].removesuffix("s")) >= ServerSettings().shutdown_timeout + 5


def test_trap_postgres_18_keeps_its_data_one_folder_higher() -> None:
    """With a volume at the old place it refuses to start."""
    assert POSTGRES["image"] == "postgres:18"
    assert POSTGRES["volumes"] == ["postgres:/var/lib/postgresql"]


def test_files_lie_in_a_folder_of_the_machine() -> None:
    """Beside those of `make run`, not among them: they belong to another user."""
    assert STOWAGE["volumes"] == ["./data/docker:/data"]
    assert STOWAGE["environment"]["STORAGE_BACKEND"] == "local"
    assert "/data/" in (ROOT / ".gitignore").read_text().splitlines()


def test_it_runs_as_on_a_small_plan() -> None:
    """Read-only but for /tmp and the data, 512 MB, no new rights."""
    assert (STOWAGE["read_only"], STOWAGE["tmpfs"], STOWAGE["mem_limit"]) == (True, ["/tmp"], "512m")
    assert STOWAGE["security_opt"] == ["no-new-privileges:true"]


def test_every_variable_is_known() -> None:
    """A misspelt one would be ignored in silence."""
    assert set(STOWAGE["environment"]) <= known_variables()
