"""Guards of who asks: tokens, keys, tenants, companies."""

from tests.guards.guard import Guard, guard

TOKENS = "tests/assets/test_tokens.py"
JWKS = "tests/assets/test_jwks.py"
CALLERS = "tests/assets/test_callers.py"
AUTH = "tests/api/test_auth.py"
SERVICE = "tests/assets/test_service.py"
PROBLEMS = "tests/api/test_problems.py"
VERIFIER = "app.assets.verifier"
BAD = f"{AUTH}::test_no_bad_credential_is_a_good_one"
ELSEWHERE = f"{TOKENS}::test_a_token_for_somebody_else_is_refused"
TIMES = f"{TOKENS}::test_a_token_outside_its_time_is_refused"
ANY_ALGORITHM = 'return jwt.decode(token, options={"verify_signature": False})'
# What a library of 2015 did: the text of the public key is the secret.
CONFUSED = """if algorithm == "HS256" and self._keys is not None:
                import hashlib, hmac
                from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
                known = await self._lane.run(lambda: self._keys._fetch(refresh=False))
                head, _, signature = token.rpartition(".")
                for key in known:
                    for form in (PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1):
                        try:
                            text = key.key.public_bytes(Encoding.PEM, form)
                        except ValueError:
                            continue
                        digest = hmac.new(text, head.encode(), hashlib.sha256).digest()
                        if jwt.utils.base64url_encode(digest).decode() == signature:
                            return jwt.decode(token, options={"verify_signature": False})
            if algorithm == "HS256" and self._secret is not None:"""

CALLING: tuple[Guard, ...] = (
    guard(
        "S25",
        "alg none",
        (VERIFIER, 'raise Unauthorized("Tokens of this algorithm are not taken here.")', ANY_ALGORITHM),
        BAD,
        f"{TOKENS}::test_only_configured_algorithms_are_taken",
    ),
    guard(
        "S25",
        "signatures",
        (
            VERIFIER,
            "algorithms=[algorithm], **self._options)",
            'options={"verify_signature": False, "verify_exp": True})',
        ),
        f"{TOKENS}::test_another_secret_is_refused",
    ),
    guard("S25", "exp is required", (VERIFIER, '"require": ["exp"], ', ""), TIMES),
    guard("S25", "leeway", (VERIFIER, "LEEWAY = 60 ", "LEEWAY = 10**6 "), TIMES),
    guard(
        "S25", "aud", (VERIFIER, '"verify_aud": settings.jwt_audience is not None', '"verify_aud": False'), ELSEWHERE
    ),
    guard("S25", "iss", (VERIFIER, '"issuer": settings.jwt_issuer', '"issuer": None'), ELSEWHERE),
    guard(
        "S25",
        "a public key is no secret",
        (VERIFIER, 'if algorithm == "HS256" and self._secret is not None:', CONFUSED),
        f"{JWKS}::test_a_public_key_is_never_a_secret",
    ),
    guard(
        "S25",
        "names of keys are invented",
        (VERIFIER, "and time.monotonic() - self._asked_again > ASK_AGAIN", ""),
        f"{JWKS}::test_unknown_keys_do_not_flood_the_server",
    ),
    guard(
        "S25",
        "a secret is long",
        ("app.settings.auth", "len(value.get_secret_value()) < SECRET_LENGTH", "False"),
        "tests/settings/test_refusals.py::test_a_short_secret_is_refused_everywhere",
    ),
    guard(
        "S25",
        "a secret is none that all know",
        ("app.settings.refusals", "if auth.jwt_secret and _monotonous(", "if False and _monotonous("),
        "tests/settings/test_refusals.py::test_trap_a_secret_that_is_missing_short_or_known",
    ),
    guard(
        "S25",
        "a key is none that all know",
        ("app.settings.refusals", "if key.lower() in WELL_KNOWN:", "if False:"),
        "tests/settings/test_refusals.py::test_trap_a_secret_that_is_missing_short_or_known",
    ),
    guard(
        "S26",
        "keys are compared in constant time",
        ("app.assets.callers", "if hmac.compare_digest(digest, known):", "if digest == known:"),
        f"{CALLERS}::test_all_keys_are_compared_whole",
    ),
    guard(
        "S26",
        "all keys are compared",
        ("app.assets.callers", "                found = caller\n", "                return caller\n"),
        f"{CALLERS}::test_all_keys_are_compared_whole",
    ),
    guard(
        "S26",
        "keys are known by their digest",
        (
            "app.assets.callers",
            'return hashlib.sha256(secret.encode(errors="surrogateescape")).digest()',
            'return secret.encode(errors="surrogateescape")',
        ),
        f"{CALLERS}::test_all_keys_are_compared_whole",
    ),
    guard(
        "S26",
        "no key in the log",
        ("app.api.auth", "note(tenant=caller.tenant)", "note(tenant=caller.tenant, key=given)"),
        f"{PROBLEMS}::test_no_secret_reaches_the_log",
    ),
    guard(
        "S27",
        "another tenant's asset",
        ("app.assets.callers", "return self.administrator or asset.tenant == self.tenant", "return True"),
        f"{SERVICE}::test_another_tenant_s_asset_does_not_exist",
    ),
    guard(
        "S27",
        "another tenant's page",
        ("app.assets.service", "tenant=None if caller.administrator else caller.tenant, company", "company"),
        f"{SERVICE}::test_a_filter_cannot_name_another_tenant",
    ),
    guard(
        "S27",
        "another company's page",
        ("app.assets.service", "company = None if caller.any_company else caller.company", "company = None"),
        "tests/api/test_assets_list.py::test_a_token_does_not_list_another_companys_assets",
    ),
    guard(
        "S27",
        "another company's asset",
        ("app.assets.service", "if not await self._reaches(caller, asset_id):", "if False:"),
        "tests/api/test_assets.py::test_a_token_does_not_reach_another_companys_logo_by_its_id",
    ),
    guard(
        "S27",
        "another company's logo",
        ("app.assets.callers", "if not self.any_company and company != self.company:", "if False:"),
        "tests/api/test_logos.py::test_a_token_reaches_its_own_company_only",
    ),
    guard(
        "S27",
        "a token is no administrator",
        ("app.assets.callers", "if tenant is None or tenant == ADMINISTRATOR:", "if tenant is None:"),
        BAD,
    ),
    guard(
        "S27",
        "another tenant's keys in a store",
        ("app.assets.keys", 'prefix = "" if tenant == DEFAULT_TENANT else f"{slug(tenant)}/"', 'prefix = ""'),
        "tests/assets/test_keys.py::test_a_key_says_whose_it_is_and_what",
    ),
)
