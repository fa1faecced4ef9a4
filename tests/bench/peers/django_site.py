"""A Django project in one file: a model with a FileField, on the disk or (with S3_ENDPOINT_URL) by django-storages."""

import os
import sys
import uuid
from urllib.parse import urlsplit

import django
from django.conf import settings

ENDPOINT, FOLDER = os.environ.get("S3_ENDPOINT_URL"), os.environ["PEER_DATA"]
DATABASE = urlsplit(os.environ["DATABASE_URL"])
ON_DISK = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
ON_S3 = {
    "BACKEND": "storages.backends.s3.S3Storage",
    "OPTIONS": {
        "bucket_name": os.environ.get("S3_BUCKET"),
        "endpoint_url": ENDPOINT,
        "access_key": "bench",
        "secret_key": "bench-secret",
        "region_name": "us-east-1",
        "addressing_style": "path",
    },
}

settings.configure(
    SECRET_KEY="bench",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MEDIA_ROOT=FOLDER,
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    STORAGES={"default": ON_S3 if ENDPOINT else ON_DISK},
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": DATABASE.path.removeprefix("/"),
            "USER": DATABASE.username,
            "PASSWORD": DATABASE.password or "",
            "HOST": DATABASE.hostname,
            "PORT": DATABASE.port,
            "CONN_MAX_AGE": None,
        }
    },
)
django.setup()

# What follows may only be imported once Django has its settings.
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402


def _place(_row: "StoredFile", _filename: str) -> str:
    return f"files/{uuid.uuid4().hex}"


class StoredFile(models.Model):
    """A row for each file."""

    file = models.FileField(upload_to=_place)
    filename = models.CharField(max_length=255)
    content_type = models.CharField(max_length=100)
    size = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        """Where it belongs."""

        app_label = "bench"
        db_table = "stored_files"

    def __str__(self) -> str:
        return self.filename


def ready(_request: HttpRequest) -> HttpResponse:
    """The server is up."""
    return JsonResponse({"status": "ready"})


def upload(request: HttpRequest) -> HttpResponse:
    """Keep a file: no digest, no check of contents or callers."""
    file = request.FILES["file"]
    row = StoredFile.objects.create(file=file, filename=file.name, content_type=file.content_type, size=file.size)
    return JsonResponse({"id": row.id, "size": row.size, "url": f"/files/{row.id}"}, status=201)


def serve(_request: HttpRequest, number: int) -> HttpResponse:
    """A file."""
    row = StoredFile.objects.get(id=number)
    answer = FileResponse(row.file.open("rb"), content_type=row.content_type)
    answer["Content-Length"] = row.size
    return answer


urlpatterns = [path("readyz", ready), path("files", upload), path("files/<int:number>", serve)]
application = get_wsgi_application()

if __name__ == "__main__" and sys.argv[1:] == ["tables"]:
    with connection.schema_editor() as editor:
        editor.create_model(StoredFile)
