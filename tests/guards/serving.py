"""Guards where files leave: headers, ranges, caches, private files, deleted ones."""

from tests.guards.guard import Guard, guard

MEDIA = "tests/api/test_media.py"
RANGES = "tests/api/test_media_ranges.py"
PROBLEMS = "tests/api/test_problems.py"
AUTH = "tests/api/test_auth.py"
DOOR = "app.api.media"
SERVICE = "app.assets.service"
SAFE = f"{MEDIA}::test_safe_headers_are_on_every_answer"
AS_IT_IS = f"{MEDIA}::test_a_file_is_served_as_what_it_is_and_never_as_a_page"
UNKNOWN = f"{MEDIA}::test_an_unknown_id_is_not_found"
FORGOTTEN = '_add("/f/{asset_id}/{filename}", asset_file, "asset_file", "filename")'
CLOUD = "tests/storage/test_cloudinary_deletes.py::test_trap_the_cdn_serves_what_was_deleted"

SERVING: tuple[Guard, ...] = (
    guard("S16", "a file's policy", (DOOR, 'headers["Content-Security-Policy"] = FRAMED', "pass"), SAFE),
    guard("S16", "a sandbox", (DOOR, "default-src 'none'; sandbox", "default-src 'none'"), SAFE),
    guard(
        "S16",
        "a file is a download",
        ("app.assets.policy", 'if kind != "file" and content_type in INLINE', "if content_type in INLINE"),
        AS_IT_IS,
        "tests/assets/test_policy.py::test_a_file_is_anything",
    ),
    guard(
        "S16",
        "what may be shown",
        ("app.assets.policy", 'if kind != "file" and content_type in INLINE', 'if kind != "file"'),
        "tests/assets/test_policy.py::test_what_could_run_is_never_shown_in_a_page",
    ),
    guard(
        "S16",
        "types that are told",
        ("app.assets.policy", 'if kind == "file" or content_type not in NAMED:', 'if kind == "file":'),
        "tests/assets/test_policy.py::test_what_could_run_is_never_shown_in_a_page",
    ),
    guard(
        "S16", "types of files", ("app.assets.policy", 'if kind == "file" or content_type', "if content_type"), AS_IT_IS
    ),
    guard(
        "S17",
        "nosniff",
        ("app.api.middleware", ', (b"x-content-type-options", b"nosniff")]', "]"),
        SAFE,
        f"{PROBLEMS}::test_every_answer_forbids_sniffing",
    ),
    guard("S17", "no referrer", (DOOR, '"Referrer-Policy": "no-referrer",', ""), SAFE),
    guard("S17", "no referrer of a refusal", ("app.api.problems", '"Referrer-Policy": "no-referrer",', ""), UNKNOWN),
    guard(
        "S17",
        "a refusal's policy",
        ("app.api.problems", '"Content-Security-Policy": "default-src \'none\'; sandbox",', ""),
        UNKNOWN,
    ),
    guard(
        "S17",
        "who may embed a refusal",
        ("app.api.problems", '"Cross-Origin-Resource-Policy": "same-site",', ""),
        UNKNOWN,
    ),
    guard(
        "S17",
        "who may embed a file",
        (DOOR, '"cross-origin" if asset.visibility == "public" else "same-site"', '"cross-origin"'),
        f"{MEDIA}::test_caches_keep_what_is_public",
    ),
    guard(
        "S18",
        "a name in quotes",
        ("app.assets.serving", 'NOT_PLAIN.sub("_", asset.filename)', "asset.filename"),
        "tests/api/test_assets_names.py::test_a_name_comes_back_clean",
    ),
    guard(
        "S18",
        "a name that is coded",
        ("app.assets.serving", "quote(asset.filename, safe='')", "asset.filename"),
        "tests/api/test_assets_names.py::test_a_name_comes_back_clean",
    ),
    guard(
        "S18",
        "controls in a name",
        ("app.assets.names", 'unicodedata.category(c) not in {"Cc", "Cs", "Zl", "Zp"} and', ""),
        "tests/assets/test_names.py",
    ),
    guard("S18", "a name turned around", ("app.assets.names", " and c not in BIDI", ""), "tests/assets/test_names.py"),
    guard(
        "S19",
        "an id is an id",
        ("app.api.deps", "raise InvalidId from None", "return text"),
        f"{MEDIA}::test_an_id_that_is_none_is_refused",
    ),
    guard(
        "S20",
        "one range",
        ("app.api.ranges", "ONE_RANGE.fullmatch", "ONE_RANGE.match"),
        f"{RANGES}::test_what_is_not_one_range_is_ignored",
    ),
    guard(
        "S20",
        "a range that is there",
        ("app.api.ranges", "if empty or first >= size:", "if False:"),
        f"{RANGES}::test_a_range_outside_is_refused",
    ),
    guard(
        "S21",
        "bytes on a disk",
        ("app.storage.moves", "if (size, digest.hexdigest()) != (put.size, put.sha256):", "if False:"),
        "tests/storage/test_local.py",
    ),
    guard(
        "S21",
        "bytes on their way to a cloud",
        ("app.storage.bodies", "if (found.size, found.sha256.hexdigest()) != (size, sha256):", "if False:"),
        "tests/storage/test_bodies.py",
    ),
    guard(
        "S21",
        "a download that is short",
        ("app.storage.download", 'raise StorageUnavailable("The store\'s answer ended too early.")', "break"),
        "tests/storage/test_download.py",
    ),
    guard(
        "S22",
        "a private file",
        (SERVICE, 'if asset.visibility == "public":', "if True:"),
        f"{MEDIA}::test_a_private_file_does_not_exist_for_others",
    ),
    guard(
        "S22",
        "a private file in a slot",
        (SERVICE, "return await self._visible(caller, asset)", "return asset"),
        f"{MEDIA}::test_a_private_slot_is_for_its_tenant",
    ),
    guard(
        "S22",
        "caches",
        (DOOR, 'caching if asset.visibility == "public" else PRIVATE', "caching"),
        f"{MEDIA}::test_caches_keep_what_is_public",
    ),
    guard(
        "S22",
        "another company's private logo",
        (SERVICE, "if not await self._reaches(caller, asset.id):", "if False:"),
        f"{MEDIA}::test_a_private_logo_is_for_its_company",
    ),
    guard(
        "S22",
        "no address at a store",
        ("app.assets.serving", 'public = asset.visibility == "public" and', "public ="),
        "tests/assets/test_serving.py::test_what_is_private_or_active_has_none",
    ),
    guard(
        "S23",
        "a route that nobody knows",
        (DOOR, FORGOTTEN, f'{FORGOTTEN}\n_add("/f/x/{{asset_id}}", asset_file, "x", "x")'),
        f"{AUTH}::test_every_route_is_in_the_table",
    ),
    guard(
        "S23",
        "who writes may write",
        (
            SERVICE,
            "asset = await self._own(caller.require(Scope.WRITE), asset_id)",
            "asset = await self._own(caller, asset_id)",
        ),
        "tests/assets/test_service.py::test_scopes_are_asked_for",
    ),
    guard(
        "S23",
        "who reads may read",
        (SERVICE, "caller.require(Scope.READ)\n        company =", "company ="),
        "tests/assets/test_service.py::test_scopes_are_asked_for",
    ),
    guard(
        "S23",
        "a stranger",
        ("app.api.auth", "    if not given:\n        raise Unauthorized\n", "    given = given or 'acme-key'\n"),
        f"{AUTH}::test_nobody_gets_in_by_bad_credentials",
    ),
    guard(
        "S24",
        "what is deleted is gone",
        (
            "app.db.assets",
            '_GET_READY = _GET.where(assets.c.id == bindparam("asset_id"), assets.c.state == "ready")',
            '_GET_READY = _GET.where(assets.c.id == bindparam("asset_id"))',
        ),
        "tests/api/test_assets.py::test_a_deleted_asset_is_gone_for_everybody",
    ),
    guard(
        "S24", "the CDN is told", ("app.storage.cloudinary", "type=delivery, invalidate=True", "type=delivery"), CLOUD
    ),
)
