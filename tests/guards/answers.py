"""Guards of what we believe and what we tell: origins, hosts, refusals, logs, pages."""

from tests.guards.guard import Guard, guard

PROBLEMS = "tests/api/test_problems.py"
CANARY = "tests/api/test_canary.py"
# What a library that follows addresses would do.
CALLS = """import re, socket
    for port in re.findall(r"127.0.0.1:([0-9]+)", str({})):
        socket.create_connection(("127.0.0.1", int(port))).close()
    """

ANSWERING: tuple[Guard, ...] = (
    guard(
        "S28",
        "addresses in an SVG",
        ("app.images.svg", "root = read(_text(data))", CALLS.format("data") + "root = read(_text(data))"),
        f"{CANARY}::test_no_address_in_a_file_is_asked[drawings]",
    ),
    guard(
        "S28",
        "addresses in a field",
        ("app.api.orders", "if len(text) > LARGEST", CALLS.format("text") + "if len(text) > LARGEST"),
        f"{CANARY}::test_no_address_in_a_field_is_asked",
    ),
    guard(
        "S28",
        "addresses in a head",
        ("app.api.auth", "given = credential", CALLS.format("request.headers") + "given = credential"),
        f"{CANARY}::test_no_address_in_a_head_is_asked",
    ),
    guard(
        "S30",
        "listed origins",
        ("app.main", "allow_origins=server.cors_origins", 'allow_origins=["*"]'),
        "tests/api/test_cors.py::test_another_origin_may_not",
    ),
    guard(
        "S30",
        "everybody has no credentials",
        ("app.main", '"*" not in server.cors_origins', "True"),
        "tests/api/test_cors.py::test_everybody_may_call_without_credentials_only",
    ),
    guard(
        "S31",
        "production believes no header",
        ("app.api.deps", "if server.production:", "if False:"),
        "tests/api/test_addresses.py::test_without_it_production_never_believes_a_header",
    ),
    guard(
        "S31",
        "allowed hosts",
        ("app.main", "if server.hosts:", "if False:"),
        "tests/api/test_hosts.py::test_another_host_is_refused",
    ),
    guard(
        "S31",
        "hosts below a name",
        ("app.api.middleware", "tuple(host[1:].lower()", "tuple(host[2:].lower()"),
        "tests/api/test_hosts.py::test_another_host_is_refused",
    ),
    guard(
        "S32",
        "one header is believed",
        (
            "app.api.middleware",
            "told = headers.get(self._client_header) if self._client_header else None",
            'told = headers.get(b"x-forwarded-for")',
        ),
        "tests/api/test_hosts.py::test_the_client_is_who_the_proxy_says",
    ),
    guard(
        "S33",
        "a crash says nothing",
        ("app.api.middleware", "return InternalError()", "return InternalError(repr(failure))"),
        f"{PROBLEMS}::test_a_crash_is_answered_without_a_word_about_it",
    ),
    guard(
        "S33",
        "an event is a line",
        ("app.telemetry", "ensure_ascii=False).translate(BREAKS)", "ensure_ascii=False)"),
        f"{PROBLEMS}::test_a_hostile_name_never_breaks_a_line",
    ),
    guard(
        "S33",
        "a disk's error says nothing",
        (
            "app.storage.folders",
            'return StorageUnavailable("The disk failed.")',
            "return StorageUnavailable(str(failure))",
        ),
        "tests/storage/test_local.py::test_a_disks_error_names_no_path",
    ),
    guard(
        "S33",
        "ids of requests",
        ("app.api.middleware", "if GIVEN_ID.fullmatch(given) else", "if given else"),
        f"{PROBLEMS}::test_another_request_id_is_replaced",
    ),
    guard(
        "S34",
        "Allow",
        ("app.api.problems", 'answer.headers["Allow"] = ', "_ = "),
        f"{PROBLEMS}::test_allow_names_every_method",
    ),
    guard(
        "S34",
        "refusals of the framework",
        ("app.api.problems", "app.add_exception_handler(HTTPException, _by_status)", "pass"),
        f"{PROBLEMS}::test_another_method_is_not_allowed",
    ),
    guard(
        "S35",
        "values are bound",
        (
            "app.db.assets",
            "statement.where(assets.c[name] == value)",
            "statement.where(__import__('sqlalchemy').text(f\"assets.{name} = '{value}'\"))",
        ),
        "tests/api/test_assets_list.py::test_hostile_filters_find_nothing_or_are_refused",
    ),
    guard(
        "S35",
        "cursors have a length",
        ("app.assets.cursors", "if len(raw) != LENGTH:", "if False:"),
        "tests/assets/test_cursors.py",
    ),
    guard(
        "S35",
        "cursors are words of ours",
        ("app.assets.cursors", "except (binascii.Error, ValueError, OverflowError):", "except KeyError:"),
        "tests/assets/test_cursors.py",
    ),
    guard(
        "S36",
        "no documentation in production",
        ("app.settings.server", "return self.swagger_in_production or not self.production", "return True"),
        "tests/api/test_openapi.py::test_in_production_they_are_hidden",
    ),
)
