"""What Railway shall run; `railway config plan` shows what it would change."""  # noqa: INP001 - Railway's name for it

from typing import Any

from railway_sdk import Project, Service, bucket, define_railway, postgres, preserve, project, service, volume

# Without this, `railway config apply` deletes from the project all that this file leaves out.
PARTIAL = "stowage"

STORE = "volume"  # or "bucket", "s3", "cloudinary"

# Set in the dashboard before the first apply and kept. A variable of the service that stands nowhere here is deleted.
KEPT = {
    "volume": (),
    "bucket": (),
    "s3": ("AWS_S3_BUCKET", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    "cloudinary": ("CLOUDINARY_CLOUD_NAME", "CLOUDINARY_API_KEY", "CLOUDINARY_API_SECRET"),
}
NAMES = {"volume": "local", "bucket": "s3", "s3": "s3", "cloudinary": "cloudinary"}  # as STORAGE_BACKEND has them


BUCKET = ("BUCKET", "ENDPOINT", "REGION", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY")  # what a bucket of Railway offers


@define_railway
def main() -> Project:
    """The service, its database, and where its files lie."""
    database, files = postgres("Postgres"), _files()
    stowage = service(
        "stowage",
        build={"builder": "DOCKERFILE", "dockerfilePath": "Dockerfile"},
        preDeploy="stowage migrate",
        healthcheck="/readyz",
        healthcheckTimeout=120,
        deploy={
            "restartPolicyType": "ON_FAILURE",
            "restartPolicyMaxRetries": 10,
            "drainingSeconds": 60,
            "overlapSeconds": 10,
        },
        replicas=1,
        volumeMounts={"/data": files} if STORE == "volume" else None,
        env=_variables(database, files),
    )
    return project("stowage", resources=[database, stowage, *([files] if files else [])])


def _files() -> Service | None:
    makers = {"volume": volume, "bucket": bucket}
    return makers[STORE]("stowage-files") if STORE in makers else None


def _variables(database: Service, files: Service | None) -> dict[str, Any]:
    variables: dict[str, Any] = {"DATABASE_URL": database.env.DATABASE_URL, "STORAGE_BACKEND": NAMES[STORE]}
    if STORE == "bucket" and files:
        variables |= {name: files.env[name] for name in BUCKET}
    return variables | {name: preserve() for name in ("API_KEYS", *KEPT[STORE])}
