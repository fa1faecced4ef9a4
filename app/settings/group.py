"""What every group of settings is made with. An empty value counts as not set."""

from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from pydantic_settings import PydanticBaseSettingsSource as Source


def _items(value: object) -> object:
    """`a, b` -> ("a", "b"); what is a sequence already stays one."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _address(value: object) -> object:
    """Platforms give bare domains, people a trailing slash: `files.example.com/` -> `https://files.example.com`."""
    if not isinstance(value, str):
        return value
    bare = value.strip().rstrip("/")
    return bare if bare.startswith(("http://", "https://")) else f"https://{bare}"


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


Items = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_items)]
Address = Annotated[str, BeforeValidator(_address)]
Lower = BeforeValidator(_lower)


class Group(BaseSettings):
    """A few settings that belong together."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        str_strip_whitespace=True,
        validate_by_name=True,
        validate_by_alias=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings' signature
        init_settings: Source,
        env_settings: Source,
        dotenv_settings: Source,  # noqa: ARG003
        file_secret_settings: Source,  # noqa: ARG003
    ) -> tuple[Source, ...]:
        """Names of fields are for the code alone: a variable called URL or KEY is somebody else's."""
        env_settings.config = SettingsConfigDict(**{**env_settings.config, "validate_by_name": False})
        return init_settings, env_settings


def env(*names: str, default: object, text: str, **bounds: Any) -> Any:
    """A setting: its variables, the preferred one first, its sentence in the README, and bounds such as `gt=0`."""
    return Field(default=default, validation_alias=AliasChoices(*names), description=text, **bounds)
