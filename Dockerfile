# The image of the service. It starts as root, gives the volume to user 10001 and becomes that user (app/process.py).
FROM python:3.13-slim AS build

# The environment has no pip of its own, and nothing that is not in the hash files.
# Compiled code does not depend on the times of files, which builders change: the image may be read-only.
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /srv
COPY requirements-build.txt requirements.txt ./
RUN python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --no-compile --require-hashes \
        -r requirements-build.txt -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY alembic alembic
COPY app app
RUN pip --python /opt/venv/bin/python install --no-compile --no-deps --no-build-isolation --editable . \
    && pip --python /opt/venv/bin/python uninstall --yes setuptools \
    && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib /srv/app

FROM python:3.13-slim
LABEL org.opencontainers.image.title="Stowage" \
      org.opencontainers.image.licenses="MIT"

RUN mkdir /data && chown 10001:10001 /data
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv /srv

# MALLOC_ARENA_MAX: each thread that stores would else keep an arena of freed memory to itself.
# DATA_DIR is not set: it is ./data, which is /data here, and where Railway mounts a volume elsewhere its path is taken.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MALLOC_ARENA_MAX=2 \
    MALLOC_MMAP_THRESHOLD_=4194304 \
    MALLOC_TRIM_THRESHOLD_=8388608 \
    ALEMBIC_CONFIG=/srv/pyproject.toml \
    APP_ENV=production \
    HOST=0.0.0.0 \
    PORT=8000 \
    RUN_AS=10001
WORKDIR /
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-IS", "-c", "import http.client as h, os; c = h.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status != 200)"]

# No shell and no ENTRYPOINT: the service itself is process 1 and gets SIGTERM, and a platform may put `stowage migrate`
# or another start command in this one's place.
CMD ["stowage", "serve"]
