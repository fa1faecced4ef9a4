"""The door for platforms: is it alive, can it work."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from starlette.responses import Response

from app.api.deps import ServicesDep
from app.assets.ready import Check

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> Response:
    """The process answers. It asks nobody: a broken store must not get a healthy process restarted."""
    return JSONResponse({"status": "ok"})


@router.get("/health")
@router.get("/api/health", operation_id="api_health")
async def health(services: ServicesDep) -> Response:
    """The same for clients that expect a time and an environment."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    environment = services.settings.server.environment
    return JSONResponse({"status": "ok", "timestamp": now, "environment": environment})


@router.get("/readyz", responses={503: {"description": "Not ready; each check says why."}})
async def readyz(services: ServicesDep) -> Response:
    """Database, store and migrations, each asked for at most a second; a scanner that is away is only told."""
    checks = await services.ready.checks()
    ready = all(check.ok for check in checks.values() if check.needed)
    content = {"status": "ready" if ready else "not_ready", "checks": {n: _shown(c) for n, c in checks.items()}}
    return JSONResponse(content, 200 if ready else 503, headers={"Cache-Control": "no-store"})


def _shown(check: Check) -> dict[str, Any]:
    return {"status": "ok"} if check.ok else {"status": "error", "reason": check.reason}
