"""Which variables lead to which store, under every name that platforms and guides give them."""

import pytest
from pydantic import AliasChoices, ValidationError

from app.settings import CloudinarySettings, S3Settings, Settings, StorageSettings

S3 = {
    "bucket": [
        "S3_BUCKET",
        "AWS_S3_BUCKET",
        "AWS_STORAGE_BUCKET_NAME",
        "AWS_S3_BUCKET_NAME",
        "BUCKET",
        "SUPABASE_STORAGE_BUCKET",
    ],
    "region": ["S3_REGION", "AWS_S3_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION", "REGION"],
    "endpoint": ["S3_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "ENDPOINT"],
    "access_key": ["S3_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID", "ACCESS_KEY_ID"],
    "secret_key": ["S3_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "SECRET_ACCESS_KEY"],
    "session_token": ["S3_SESSION_TOKEN", "AWS_SESSION_TOKEN"],
    "public_url": ["S3_PUBLIC_URL", "AWS_S3_CUSTOM_DOMAIN"],
    "acl": ["S3_ACL"],
}
ALIASES = [(field, name) for field, names in S3.items() for name in names]
CLOUDINARY = {"CLOUDINARY_CLOUD_NAME": "cloud", "CLOUDINARY_API_KEY": "key", "CLOUDINARY_API_SECRET": "secret"}
ADDRESS = "cloudinary://123:s3cret@acme"


def told(group: object, field: str) -> str | None:
    """A setting as text, a secret too."""
    value = getattr(group, field)
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value


def set_all(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    """Put these into the environment."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(("field", "name"), ALIASES)
def test_trap_a_name_of_a_variable_that_nobody_reads(monkeypatch: pytest.MonkeyPatch, field: str, name: str) -> None:
    """Every alias alone is enough: those of Railway, Supabase, Django, the AWS tools and our own."""
    monkeypatch.setenv(name, "https://value")

    assert told(S3Settings(), field) == "https://value"


@pytest.mark.parametrize("field", S3)
def test_our_own_name_wins_and_an_empty_one_counts_as_unset(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    """Platforms set variables to nothing; two names with values are taken in their order."""
    names = S3[field]
    for last in range(len(names)):
        set_all(monkeypatch, {name: f"https://{name}" if n >= last else "" for n, name in enumerate(names)})

        assert told(S3Settings(), field) == f"https://{names[last]}"


def test_trap_a_variable_that_is_named_like_a_field(monkeypatch: pytest.MonkeyPatch) -> None:
    """URL, KEY, PREFIX and the like belong to others: only the names of the README's table are read, in every group."""
    plain = [group() for group in Settings.groups()]
    for group in Settings.groups():
        for field, info in group.model_fields.items():
            known = info.validation_alias.choices if isinstance(info.validation_alias, AliasChoices) else []
            if field.upper() not in known:
                monkeypatch.setenv(field.upper(), "https://somebody-elses")

    assert [group() for group in Settings.groups()] == plain


@pytest.mark.parametrize("field", S3)
def test_nothing_is_made_up(field: str) -> None:
    """Without a variable there is no value, above all no region."""
    assert told(S3Settings(), field) is None


@pytest.mark.parametrize("field", ["bucket", "region", "endpoint", "access_key", "secret_key"])
def test_trap_a_blank_that_came_along_when_it_was_pasted(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    """Dashboards keep blanks and line ends: signatures would be wrong, names invalid."""
    monkeypatch.setenv(S3[field][0], " https://value \n")

    assert told(S3Settings(), field) == "https://value"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("minio.internal:9000", "https://minio.internal:9000"),
        ("http://minio.internal:9000/", "http://minio.internal:9000"),
        ("https://a.storage.supabase.co/storage/v1/s3/", "https://a.storage.supabase.co/storage/v1/s3"),
    ],
)
def test_trap_an_endpoint_without_a_scheme(monkeypatch: pytest.MonkeyPatch, said: str, meant: str) -> None:
    """The SDK raises for it; https is what is meant."""
    monkeypatch.setenv("S3_ENDPOINT_URL", said)

    assert S3Settings().endpoint == meant


@pytest.mark.parametrize("name", ["S3_ADDRESSING_STYLE", "AWS_S3_URL_STYLE"])
@pytest.mark.parametrize(("said", "meant"), [("", "auto"), ("virtual", "virtual"), ("PATH", "path"), ("Auto", "auto")])
def test_a_style_is_read(monkeypatch: pytest.MonkeyPatch, name: str, said: str, meant: str) -> None:
    """Both names, in any letters; empty is automatic."""
    monkeypatch.setenv(name, said)

    assert S3Settings().addressing == meant


def test_a_style_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the start, by its variable."""
    monkeypatch.setenv("S3_ADDRESSING_STYLE", "sideways")
    with pytest.raises(ValidationError, match="S3_ADDRESSING_STYLE"):
        S3Settings()


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither group tells them when it is printed."""
    variables = {"AWS_SECRET_ACCESS_KEY": "hidden-1", "AWS_SESSION_TOKEN": "hidden-2", "AWS_ACCESS_KEY_ID": "hidden-3"}
    set_all(
        monkeypatch, {**variables, "CLOUDINARY_API_SECRET": "hidden-4", "CLOUDINARY_URL": "cloudinary://a:hidden-5@b"}
    )

    assert "hidden" not in f"{S3Settings()!r}{S3Settings()}{CloudinarySettings()!r}{CloudinarySettings()}"


def test_use_s3_of_the_django_guides(monkeypatch: pytest.MonkeyPatch) -> None:
    """`True` means s3, `False` the disk."""
    for said, meant in (("True", "s3"), ("false", "local"), ("", None)):
        monkeypatch.setenv("USE_S3", said)

        assert StorageSettings().backend == meant


def test_the_cloud_whose_variables_are_there_is_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Railway's five names and nothing else; with those of both clouds somebody has to say which."""
    assert Settings().store == "local"
    set_all(monkeypatch, {"BUCKET": "b", "ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "s", "REGION": "auto"})
    assert Settings().store == "s3"
    monkeypatch.setenv("CLOUDINARY_URL", ADDRESS)
    with pytest.raises(ValueError, match="STORAGE_BACKEND"):
        _ = Settings().store
    monkeypatch.setenv("STORAGE_BACKEND", "Cloudinary")
    assert Settings().store == "cloudinary"


@pytest.mark.parametrize("alone", ["BUCKET", "REGION", "ENDPOINT", "ACCESS_KEY_ID", "CLOUDINARY_CLOUD_NAME"])
def test_one_stray_variable_is_not_a_store(monkeypatch: pytest.MonkeyPatch, alone: str) -> None:
    """Names as common as BUCKET may mean something else."""
    monkeypatch.setenv(alone, "value")

    assert Settings().store == "local"


@pytest.mark.parametrize(
    "url",
    [
        ADDRESS,
        f'"{ADDRESS}"',
        f"'{ADDRESS}'",
        f" {ADDRESS}\n",
        f"{ADDRESS}?secure=true",
        f"{ADDRESS}/a.private.host",
        "cloudinary://123:%733cret@acme",
        "CLOUDINARY://123:s3cret@acme",
    ],
)
def test_trap_a_cloudinary_url_in_quotes_or_coded(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """The SDK raises at import for the first kind and takes the second as it is; we take both."""
    monkeypatch.setenv("CLOUDINARY_URL", url)
    found = CloudinarySettings().credentials()

    assert {found[name] for name in ("cloud_name", "api_key", "api_secret")} == {"acme", "123", "s3cret"}
    assert found["upload_prefix"] == "https://api.cloudinary.com"


@pytest.mark.parametrize("secret", ["a/b", "a@b", "a:b", "a?b", "a#b", "a%b", "ä b"])
def test_trap_a_secret_with_signs_of_urls(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    """Percent-coded it arrives as it is."""
    from urllib.parse import quote

    monkeypatch.setenv("CLOUDINARY_URL", f"cloudinary://123:{quote(secret, safe='')}@Acme-2")

    assert CloudinarySettings().credentials()["api_secret"] == secret
    assert CloudinarySettings().credentials()["cloud_name"] == "Acme-2"


@pytest.mark.parametrize("extra", [{}, {"CLOUDINARY_CLOUD_NAME": "acme"}, {"CLOUDINARY_API_KEY": "123"}])
def test_trap_a_cloud_name_makes_the_url_unread(monkeypatch: pytest.MonkeyPatch, extra: dict[str, str]) -> None:
    """In the SDK CLOUDINARY_CLOUD_NAME hides CLOUDINARY_URL; here each fills what the other leaves out."""
    set_all(monkeypatch, {"CLOUDINARY_URL": ADDRESS, **extra})
    found = CloudinarySettings().credentials()

    assert (found["cloud_name"], found["api_key"], found["api_secret"]) == ("acme", "123", "s3cret")


def test_three_variables_win_over_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them: nothing of the URL's is left."""
    set_all(monkeypatch, {"CLOUDINARY_URL": ADDRESS, **CLOUDINARY, "CLOUDINARY_UPLOAD_PREFIX": "http://here/"})

    assert CloudinarySettings().credentials() == {
        "cloud_name": "cloud",
        "api_key": "key",
        "api_secret": "secret",
        "upload_prefix": "http://here",
    }


@pytest.mark.parametrize("missing", CLOUDINARY)
def test_a_missing_part_is_named(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """And nothing of what is there is told."""
    set_all(monkeypatch, {name: value for name, value in CLOUDINARY.items() if name != missing})
    with pytest.raises(ValueError, match=missing) as wrong:
        CloudinarySettings().credentials()

    assert not any(f" {value}" in str(wrong.value) for value in CLOUDINARY.values())


@pytest.mark.parametrize(
    "url",
    ["https://123:s3cret@acme", "cloudinary://", "123:s3cret@acme", "cloudinary://[s3cret", "cloudinary://123@acme"],
)
def test_trap_a_bad_cloudinary_url(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """It is a sentence with the variable's name and without the secret, when the store is made, not at import."""
    monkeypatch.setenv("CLOUDINARY_URL", url)
    with pytest.raises(ValueError, match="CLOUDINARY_") as wrong:
        CloudinarySettings().credentials()

    assert "s3cret" not in str(wrong.value)
