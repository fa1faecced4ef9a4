"""The parameters of the Upload API that are documented, and what this stand-in makes of them."""

from tests.standins.cloudinary.wire import Call, Refused

UNSIGNED = {"file", "api_key", "signature", "resource_type", "cloud_name"}

HONOURED = {
    "asset_folder",
    "context",
    "discard_original_filename",
    "display_name",
    "filename_override",
    "folder",
    "invalidate",
    "overwrite",
    "public_id",
    "public_id_prefix",
    "tags",
    "timestamp",
    "type",
    "upload_preset",
}

# They don't change what is stored or who may read it: accepted, without effect here.
WITHOUT_EFFECT = {
    "accessibility_analysis",
    "auto_tagging",
    "backup",
    "batch_id",
    "categorization",
    "cinemagraph_analysis",
    "colors",
    "custom_coordinates",
    "detection",
    "exif",
    "face_coordinates",
    "faces",
    "headers",
    "image_metadata",
    "media_metadata",
    "metadata",
    "notification_url",
    "ocr",
    "phash",
    "quality_analysis",
    "regions",
    "similarity_search",
    "unique_display_name",
    "unique_filename",
    "use_asset_folder_as_public_id_prefix",
    "use_filename",
    "use_filename_as_display_name",
    "visual_search",
}

# They change the bytes, the access or the answer. A test must not believe that they worked.
BEYOND_US = {
    "access_control",
    "access_mode",
    "allowed_formats",
    "async",
    "auto_chaptering",
    "auto_transcription",
    "background_removal",
    "callback",
    "eager",
    "eager_async",
    "eager_notification_url",
    "eval",
    "format",
    "moderation",
    "on_success",
    "proxy",
    "quality_override",
    "raw_convert",
    "responsive_breakpoints",
    "return_delete_token",
    "transformation",
}

UPLOAD = HONOURED | WITHOUT_EFFECT | BEYOND_US | UNSIGNED
DESTROY = {"public_id", "type", "invalidate", "timestamp", "notification_url", "batch_id"} | UNSIGNED
DOWNLOAD = {"public_id", "format", "type", "timestamp", "expires_at", "attachment"} | UNSIGNED


def check(call: Call, known: set[str]) -> None:
    """Refuse what isn't documented for this call (400), and of an upload what the stand-in can't do (501)."""
    if unknown := sorted(set(call.fields) - known):
        raise Refused(400, f"Unknown parameters: {', '.join(unknown)}")
    if call.action == "upload" and (beyond := sorted(set(call.fields) & BEYOND_US)):
        raise Refused(501, f"The stand-in does not do: {', '.join(beyond)}")


def is_true(value: str) -> bool:
    """Booleans are sent as 1 or true."""
    return value.lower() in {"1", "true"}
