"""The application: middleware, doors, error answers, lifespan."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from app import __version__, telemetry
from app.api import assets, health, logos, media, problems, slots
from app.api.middleware import AllowedHosts, RequestContext
from app.api.openapi import completed
from app.api.receive import Receiver
from app.bootstrap import build, settle
from app.services import Services
from app.settings import ServerSettings, Settings
from app.settings.refusals import MISCONFIGURED, one_line

ALLOWED = ("Authorization", "X-API-Key", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "X-Request-ID")
EXPOSED = (
    "Location",
    "ETag",
    "Link",
    "X-Request-ID",
    "Retry-After",
    "Idempotency-Replayed",
    "Content-Disposition",
    "Content-Range",
)


def create_app(services: Services | None = None) -> FastAPI:
    """The service as an ASGI application; without `services`, as the environment says."""
    if services is None:
        settings = _settled()
        telemetry.configure(level=settings.logs.level, style=settings.logs.style)
        services = build(settings)
    server = services.settings.server
    app = FastAPI(
        title="Stowage",
        version=__version__,
        summary="Keeps uploaded files: bytes in a store, their address in a database.",
        lifespan=_lifespan,
        openapi_url="/openapi.json" if server.documented else None,
        redirect_slashes=False,  # a redirect to http:// behind a proxy turns a POST into a GET
    )
    app.state.services = services
    app.state.receiver = Receiver(
        services.spool, services.policies, idle=server.body_idle_timeout, places=server.max_concurrent_uploads
    )
    routers = (assets.router, media.router, logos.make_router(), slots.make_router(), health.router)
    ours = [route for router in routers for route in router.routes]
    app.router.routes[:0] = ours  # before those of the framework; `include_router` would match every address twice
    problems.install(app)
    app.openapi = completed(app.openapi)  # type: ignore[method-assign]
    _surround(app, server)
    return app


def _settled() -> Settings:
    """The environment's settings; a refusal is one line, whatever command starts the service."""
    try:
        return settle(Settings())
    except ValueError as wrong:
        sys.stderr.write(f"{one_line(wrong)}\n")
        raise SystemExit(MISCONFIGURED) from None


def _surround(app: FastAPI, server: ServerSettings) -> None:
    """Middleware, the innermost first."""
    if server.hosts:
        app.add_middleware(AllowedHosts, hosts=server.hosts)
    app.add_middleware(RequestContext, client_header=server.client_ip)
    if server.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=server.cors_origins,
            allow_credentials="*" not in server.cors_origins,
            allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=ALLOWED,
            expose_headers=EXPOSED,
        )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    await services.start()
    try:
        yield
    finally:
        await services.close()
