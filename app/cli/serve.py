"""`stowage serve`: the service under uvicorn, and three lines for a person who starts it for the first time."""

import shlex
import sys

import uvicorn

from app import telemetry
from app.bootstrap import api_keys, build, settle
from app.cli.example import example_logo
from app.cli.protocol import bounded_http
from app.cli.server import Server
from app.cli.tuning import calm_collector, calm_malloc
from app.main import create_app
from app.settings import ServerSettings, Settings

KEEP_ALIVE = 75  # seconds; longer than the proxies in front, so that they never meet a closing connection


def run() -> int:
    """Serve until SIGTERM or SIGINT; running requests get `SHUTDOWN_TIMEOUT` to end."""
    calm_malloc()
    settings = settle(Settings())
    telemetry.configure(level=settings.logs.level, style=settings.logs.style)
    services = build(settings)
    config = configuration(create_app(services), settings.server)
    _greet(settings)
    calm_collector()
    return Server(config, services).run_to_end()


def configuration(app: object, server: ServerSettings) -> uvicorn.Config:
    """Everything that uvicorn would otherwise take from its own variables or guess."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        host=server.listen,
        port=server.port,
        workers=1,
        http=bounded_http(server.body_idle_timeout),
        log_config=None,
        access_log=False,  # our middleware writes one line a request, with more in it
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=int(server.graceful_seconds),
        proxy_headers=False,
    )


def _greet(settings: Settings) -> None:
    """Address, development key and a line to paste: in development only, where a key of our own is used."""
    if settings.auth.api_keys is not None or settings.server.production:
        return
    key = api_keys(settings).partition(":")[2]
    address = settings.server.local_url
    form = shlex.quote(f"logo=@{example_logo(settings.storage.data_dir)}")
    header = shlex.quote(f"Authorization: Bearer {key}")
    print(f"""
  Stowage    {address}   (interactive documentation: {address}/docs)
  key        {key}   (kept in {settings.storage.data_dir}, for development only)
  try it     curl -F {form} -H {header} {address}/api/companies/my-company/logo
""")
    sys.stdout.flush()
