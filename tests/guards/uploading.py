"""Guards at the door: forms, sizes, names, slow and silent clients."""

from tests.guards.guard import Guard, guard

FORMS = "tests/api/test_receive_forms.py"
LIMITS = "tests/api/test_receive_limits.py"
RECEIVE = "tests/api/test_receive.py"
REAL = "tests/api/test_real_server.py"
NAMES = "tests/assets/test_names.py"
PROTOCOL = "app.cli.protocol"
TIMER = "self._timer = self.loop.call_later(self.idle_seconds, self._cut)"
STRICT = "super().connection_made(transport)"
LENIENT = f"{STRICT}\n        self.parser.set_dangerous_leniencies(lenient_headers=True, lenient_chunked_length=True)"

UPLOADING: tuple[Guard, ...] = (
    guard(
        "S2",
        "a form ends with its boundary",
        ("app.api.form", "self._parser.close()", "pass"),
        f"{FORMS}::test_what_has_no_end_is_cut",
    ),
    guard(
        "S2",
        "a body ends with the message",
        ("app.api.receive", "raise TruncatedBody", "return"),
        f"{RECEIVE}::test_a_client_that_goes_before_the_end_of_the_message_is_cut_too",
    ),
    guard(
        "S2",
        "what was cut leaves nothing",
        ("app.api.receive", "await asyncio.shield(reader.abandon())", "pass"),
        f"{RECEIVE}::test_a_large_body_that_is_cut_leaves_no_spool_file",
    ),
    guard(
        "S2",
        "a boundary is sane",
        ("app.api.receive", "if not 1 <= len(boundary)", "if False and len(boundary)"),
        f"{FORMS}::test_an_absent_or_absurd_boundary_is_refused",
    ),
    guard(
        "S2",
        "a part has a name",
        ("app.api.form", 'if "name" not in parameters:', "if False:"),
        f"{FORMS}::test_what_breaks_the_rules_is_refused",
    ),
    guard(
        "S2",
        "only forms are read as such",
        ("app.api.receive", 'if media_type != "multipart/form-data":', "if 0:"),
        f"{FORMS}::test_what_is_no_form_is_refused",
    ),
    guard(
        "S3",
        "blanks behind a boundary",
        ("app.api.form", "self._padding.removed(self._preamble.removed(piece))", "self._preamble.removed(piece)"),
        "tests/api/test_conformance.py::test_a_case_is_read_as_it_should_be",
        f"{FORMS}::test_what_real_clients_send_is_read",
    ),
    guard(
        "S3",
        "names that are coded",
        ("app.api.disposition", "found[name[:-1]] = extended", "pass"),
        "tests/api/test_conformance.py::test_the_extended_name_wins",
    ),
    guard(
        "S3",
        "names in quotes",
        ("app.api.disposition", "else _unquoted(quoted)", "else quoted"),
        "tests/api/test_assets_names.py",
        FORMS,
    ),
    guard(
        "S4",
        "parts",
        ("app.api.form", "max_segment_count=PARTS", "max_segment_count=10**9"),
        f"{LIMITS}::test_what_surrounds_a_file_has_limits_too",
    ),
    guard(
        "S4",
        "headers of a part",
        ("app.api.form", "max_header_count=PART_HEADERS", "max_header_count=10**9"),
        f"{LIMITS}::test_what_surrounds_a_file_has_limits_too",
    ),
    guard(
        "S4",
        "bytes of a part's header",
        ("app.api.form", "max_header_size=PART_HEADER", "max_header_size=10**9"),
        f"{LIMITS}::test_what_surrounds_a_file_has_limits_too",
    ),
    guard(
        "S4",
        "bytes of all fields",
        ("app.api.form", "if self._field_bytes > FIELDS:", "if False:"),
        f"{LIMITS}::test_the_text_fields_have_a_limit_of_their_own",
    ),
    guard(
        "S4",
        "files",
        ("app.api.form", "if len(self.form.files) > self._expected.max_files:", "if False:"),
        "tests/api/test_assets.py::test_twenty_one_files_are_too_many",
    ),
    guard(
        "S4",
        "bytes of a head",
        (PROTOCOL, "if self._head_bytes > LARGEST_HEAD and", "if False and"),
        f"{REAL}::test_a_head_without_end_is_refused",
        f"{REAL}::test_what_is_no_body_has_an_end",
    ),
    guard(
        "S10",
        "a name is no path",
        ("app.assets.names", 'name.replace("\\\\", "/").rpartition("/")[2]', "name"),
        NAMES,
    ),
    guard(
        "S10",
        "keys are slugs",
        ("app.assets.keys", "return text if SLUG.fullmatch(text) else", "return text or"),
        "tests/assets/test_keys.py::test_no_text_of_a_client_shapes_a_key",
    ),
    guard(
        "S10",
        "every store's keys",
        ("app.storage.backend", "if len(key) > KEY_LENGTH or", "if False and"),
        "tests/storage/test_storage.py",
    ),
    guard(
        "S10",
        "the disk's keys",
        ("app.storage.folders", "if hidden(parts[0]) or not key", "if False and not key"),
        "tests/storage/test_local.py::test_a_hostile_key_touches_nothing",
    ),
    guard(
        "S10",
        "folders that are links",
        ("app.storage.folders", " | os.O_NOFOLLOW", ""),
        "tests/storage/test_local_links.py",
    ),
    guard(
        "S10",
        "files that are links",
        ("app.storage.local", " | os.O_NOFOLLOW", ""),
        "tests/storage/test_local_links.py",
    ),
    guard(
        "S12",
        "while it comes",
        ("app.api.form", "if self._writer.size > self.policy.max_size:", "if False:"),
        f"{LIMITS}::test_a_file_that_is_too_large_is_not_read_to_its_end",
    ),
    guard(
        "S12",
        "when it is there",
        ("app.assets.policy", "if size > self.max_size:", "if False:"),
        "tests/assets/test_policy.py::test_the_limit_is_the_last_size_that_fits",
    ),
    guard(
        "S12",
        "all of a body",
        ("app.api.receive", "if total > limit:", "if False:"),
        f"{LIMITS}::test_what_surrounds_a_file_has_limits_too",
    ),
    guard(
        "S13",
        "lengths are read strictly",
        (PROTOCOL, STRICT, LENIENT),
        f"{REAL}::test_lengths_that_can_be_read_in_two_ways_are_refused",
    ),
    guard(
        "S13",
        "trailers are no headers",
        (PROTOCOL, "if self._in_head:", "if True:"),
        f"{REAL}::test_trailers_are_no_headers",
    ),
    guard(
        "S13",
        "what is unread ends the connection",
        ("app.api.middleware", "self._unread and (over or not", "(0 and"),
        f"{LIMITS}::test_an_unread_body_that_is_large_ends_the_connection",
    ),
    guard(
        "S14",
        "a body that stops",
        ("app.api.receive", "async with asyncio.timeout(self._idle):", "if True:"),
        f"{LIMITS}::test_a_silent_change_is_cut",
    ),
    guard(
        "S14",
        "a head that stops",
        (PROTOCOL, TIMER, "self._timer = None"),
        f"{REAL}::test_a_head_that_stops_is_cut",
    ),
    guard(
        "S14",
        "a reader that takes nothing",
        (PROTOCOL, "self._look = self.loop.call_later(REST * self.idle_seconds, self._look_at_reader)", "pass"),
        "tests/api/test_readers.py::test_a_reader_that_takes_nothing_is_cut",
    ),
    guard(
        "S14",
        "a reader that has gone",
        ("app.api.media", "if gone is not None and gone.done() and gone.result():", "if False:"),
        "tests/api/test_readers.py::test_a_reader_that_has_gone_is_not_read_for",
    ),
    guard(
        "S14",
        "places",
        ("app.api.receive", "if self._places <= 0:", "if False:"),
        f"{LIMITS}::test_no_more_uploads_than_there_are_places",
    ),
    guard(
        "S15",
        "who asks is known first",
        ("app.api.auth", "given =", "await request.body()\n    given ="),
        f"{RECEIVE}::test_what_the_head_decides_is_decided_before_the_body",
    ),
    guard(
        "S15",
        "rights are known first",
        ("app.api.deps", ".require(Scope.WRITE)", ""),
        f"{RECEIVE}::test_what_the_head_decides_is_decided_before_the_body",
    ),
    guard(
        "other",
        "bytes of a JSON body",
        ("app.api.receive", "if len(raw) > limit:", "if False:"),
        "tests/api/test_assets_change.py::test_a_change_has_a_limit",
    ),
    guard(
        "other",
        "levels of JSON",
        ("app.api.orders", "if _deeper(value, DEEPEST):", "if False:"),
        "tests/api/test_assets_fields.py::test_nested_metadata_is_kept_or_refused",
    ),
    guard(
        "other",
        "characters of metadata",
        ("app.api.orders", "if len(text) > LARGEST_METADATA:", "if False:"),
        "tests/api/test_assets_fields.py::test_metadata_has_a_limit",
    ),
    guard(
        "other",
        "accents without an end",
        ("app.assets.names", "name[: MOST // 2] + name[-MOST // 2 :]", 'name[30_000:-30_000] + ".png"'),
        f"{NAMES}::test_a_run_of_accents_takes_no_time",
    ),
)
