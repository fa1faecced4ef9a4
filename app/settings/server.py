"""Where and how the service listens, and on whose machine."""

from urllib.parse import urlsplit

from pydantic import field_validator

from app.settings.group import Address, Group, Items, env

DEVELOPMENT = frozenset({"development", "dev", "local", "test"})
RAILWAY_PROBE = "healthcheck.railway.app"  # the Host header of Railway's health check
LOOPBACK = ("127.0.0.1", "[::1]", "localhost")
MARGIN = 5.0  # seconds before a platform's SIGKILL at which we want to be done


class ServerSettings(Group):
    """Where and how the service listens."""

    host: str | None = env(
        "HOST",
        default=None,
        text="Address to listen on; unset: 127.0.0.1, on Railway and Render 0.0.0.0. `::` is IPv6 and IPv4.",
    )
    port: int = env("PORT", default=8000, text="Port to listen on.", ge=1, le=65535)
    environment: str = env(
        "APP_ENV",
        "NODE_ENV",
        "RAILWAY_ENVIRONMENT_NAME",
        default="development",
        text="In `production` there is no development key, /docs is hidden, the Host header is not trusted.",
    )
    railway: str | None = env("RAILWAY_PROJECT_ID", default=None, text="Set by Railway; means production.")
    render: bool = env("RENDER", default=False, text="Set by Render; means production.")
    allow_ephemeral: bool = env(
        "ALLOW_EPHEMERAL",
        default=False,
        text="`true`: start on Railway or Render even where every deploy wipes the files or the rows.",
    )
    public_base_url: Address | None = env(
        "PUBLIC_BASE_URL",
        "RAILWAY_PUBLIC_DOMAIN",
        "RENDER_EXTERNAL_URL",
        "API_URL",
        default=None,
        text="The address that clients use; permalinks begin with it.",
    )
    allowed_hosts: Items = env(
        "ALLOWED_HOSTS",
        default=(),
        text="Host names that requests may name, `*.example.com` for all below one; unset: any.",
    )
    own_host: str | None = env(
        "RAILWAY_PRIVATE_DOMAIN",
        "RENDER_EXTERNAL_HOSTNAME",
        default=None,
        text="Set by the platform: a host name of this service; it is allowed, too.",
    )
    client_ip_header: str | None = env(
        "CLIENT_IP_HEADER",
        default=None,
        text="Header in which your proxy names the client; unset: X-Real-IP on Railway, CF-Connecting-IP on Render.",
    )
    cors_origins: Items = env(
        "CORS_ORIGIN", "FRONTEND_URL", default=(), text="Web origins that may call, separated by commas."
    )
    swagger_in_production: bool = env("ENABLE_SWAGGER_PROD", default=False, text="Show /docs in production too.")
    body_idle_timeout: float = env(
        "BODY_IDLE_TIMEOUT",
        default=30.0,
        text="Seconds without a byte of the body before 408; also what a head may take. A reader may rest twice that.",
        gt=0,
    )
    shutdown_timeout: float = env(
        "SHUTDOWN_TIMEOUT", default=25.0, text="Seconds that running requests get to end after SIGTERM.", ge=0
    )
    railway_draining: float | None = env(
        "RAILWAY_DEPLOYMENT_DRAINING_SECONDS",
        default=None,
        text="Railway's seconds between SIGTERM and SIGKILL; `SHUTDOWN_TIMEOUT` is kept 5 below.",
    )
    max_concurrent_uploads: int = env(
        "MAX_CONCURRENT_UPLOADS", default=512, text="Uploads received at once; beyond, 503 `busy`.", ge=1
    )
    run_as: str | None = env(
        "RUN_AS",
        default=None,
        text="Number of the user (`uid` or `uid:gid`) that root becomes at start; in the image 10001.",
    )

    @property
    def platform(self) -> str | None:
        """`Railway` or `Render`, whose disks are wiped at every deploy; None elsewhere."""
        return "Railway" if self.railway else "Render" if self.render else None

    @property
    def production(self) -> bool:
        """Whether strangers can reach this process."""
        return self.platform is not None or self.environment.lower() not in DEVELOPMENT

    @property
    def documented(self) -> bool:
        """Whether /docs and /openapi.json are shown."""
        return self.swagger_in_production or not self.production

    @property
    def listen(self) -> str:
        """The address to bind."""
        return self.host or ("0.0.0.0" if self.platform else "127.0.0.1")  # noqa: S104 - what platforms ask for

    @property
    def local_url(self) -> str:
        """Where this machine reaches the service."""
        wild = self.listen in {"0.0.0.0", "::"}  # noqa: S104 - compared
        name = "127.0.0.1" if wild else f"[{self.listen}]" if ":" in self.listen else self.listen
        return f"http://{name}:{self.port}"

    @property
    def graceful_seconds(self) -> float:
        """What running requests get to end: over before the platform kills."""
        if self.railway_draining is None:
            return self.shutdown_timeout
        return min(self.shutdown_timeout, max(0.0, self.railway_draining - MARGIN))

    @property
    def hosts(self) -> tuple[str, ...]:
        """The Host headers that are answered: those allowed, and our own names, what health checks send; empty: any."""
        if not self.allowed_hosts:
            return ()
        ours = (self.own_host, urlsplit(self.public_base_url or "").hostname)
        return (*self.allowed_hosts, *filter(None, ours), RAILWAY_PROBE, *LOOPBACK)

    @property
    def client_ip(self) -> str | None:
        """The header that names the client, if a proxy in front is known to set it."""
        usual = {"Railway": "X-Real-IP", "Render": "CF-Connecting-IP"}
        return self.client_ip_header or usual.get(self.platform or "")

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(origin.rstrip("/") for origin in value)
