"""Who may call."""

from pydantic import SecretStr, field_validator

from app.settings.group import Group, env

SECRET_LENGTH = 32  # characters: what a shared secret must have at least


class AuthSettings(Group):
    """Who may call."""

    api_keys: SecretStr | None = env(
        "API_KEYS",
        default=None,
        text="`tenant:key[:read]`, several separated by commas; the tenant `*` is the administrator.",
    )
    jwt_secret: SecretStr | None = env(
        "JWT_SECRET", default=None, text="Secret of HS256 tokens, 32 characters or more."
    )
    jwt_jwks_url: str | None = env(
        "JWT_JWKS_URL", default=None, text="Where the public keys of RS256 and ES256 tokens are."
    )
    jwt_audience: str | None = env("JWT_AUDIENCE", default=None, text="`aud` that tokens must have.")
    jwt_issuer: str | None = env("JWT_ISSUER", default=None, text="`iss` that tokens must have.")

    @field_validator("jwt_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < SECRET_LENGTH:
            raise ValueError(f"it has fewer than {SECRET_LENGTH} characters")
        return value
