"""Where the service listens and which names it answers to, as platforms set their variables."""

import pytest

from app.settings import ServerSettings


def server(monkeypatch: pytest.MonkeyPatch, **environment: str) -> ServerSettings:
    """The settings of an environment."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return ServerSettings()


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({}, "127.0.0.1"),
        ({"HOST": "::"}, "::"),
        ({"RAILWAY_PROJECT_ID": "p"}, "0.0.0.0"),
        ({"RENDER": "true"}, "0.0.0.0"),
        ({"RENDER": "true", "HOST": "127.0.0.1"}, "127.0.0.1"),
    ],
)
def test_trap_a_platform_cannot_reach_loopback(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], address: str
) -> None:
    """Elsewhere nothing is opened to the network unasked."""
    assert server(monkeypatch, **environment).listen == address


def test_trap_an_empty_port_is_no_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dashboards set variables to nothing."""
    assert server(monkeypatch, PORT="", HOST="").port == 8000


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({"RAILWAY_PUBLIC_DOMAIN": "a.up.railway.app"}, "https://a.up.railway.app"),
        ({"RENDER_EXTERNAL_URL": "https://a.onrender.com"}, "https://a.onrender.com"),
        ({"API_URL": "https://api.test/"}, "https://api.test"),
        ({"PUBLIC_BASE_URL": "https://own.test", "RAILWAY_PUBLIC_DOMAIN": "a.up.railway.app"}, "https://own.test"),
        ({"PUBLIC_BASE_URL": "", "RENDER_EXTERNAL_URL": "https://a.onrender.com"}, "https://a.onrender.com"),
    ],
)
def test_trap_railway_gives_a_domain_without_a_scheme(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], address: str
) -> None:
    """Every way to name the public address, the operator's own first."""
    assert server(monkeypatch, **environment).public_base_url == address


@pytest.mark.parametrize(("draining", "seconds"), [("", 25), ("60", 25), ("30", 25), ("20", 15), ("0", 0)], ids=str)
def test_trap_railway_kills_before_we_are_done(monkeypatch: pytest.MonkeyPatch, draining: str, seconds: float) -> None:
    """Running requests end five seconds before SIGKILL comes."""
    assert server(monkeypatch, RAILWAY_DEPLOYMENT_DRAINING_SECONDS=draining).graceful_seconds == seconds


def test_trap_a_host_list_without_the_health_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Railway's probe names a host of its own; platforms know us by names of theirs."""
    names = server(
        monkeypatch,
        ALLOWED_HOSTS="files.test, *.example.test",
        RAILWAY_PUBLIC_DOMAIN="a.up.railway.app",
        RAILWAY_PRIVATE_DOMAIN="a.railway.internal",
    ).hosts

    assert {"files.test", "*.example.test", "healthcheck.railway.app", "a.up.railway.app", "a.railway.internal"} < {
        *names
    }


def test_without_a_host_list_every_name_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is asked for, never guessed."""
    assert server(monkeypatch, RENDER="true", RENDER_EXTERNAL_HOSTNAME="a.onrender.com").hosts == ()


@pytest.mark.parametrize(
    ("environment", "header"),
    [
        ({}, None),
        ({"RAILWAY_PROJECT_ID": "p"}, "X-Real-IP"),
        ({"RENDER": "true"}, "CF-Connecting-IP"),
        ({"RENDER": "true", "CLIENT_IP_HEADER": "X-Client"}, "X-Client"),
    ],
)
def test_trap_the_left_of_x_forwarded_for_is_anybodys(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], header: str | None
) -> None:
    """Each platform has one header that it sets itself."""
    assert server(monkeypatch, **environment).client_ip == header
