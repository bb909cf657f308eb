"""Settings from flags, the environment, a file and defaults, in this order, each with its origin."""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from readstate.errors import BadInput

ENVIRONMENT_PREFIX = "READSTATE_"
DEFAULT_BASE_URL = "https://conversations.twilio.com"
_ORIGIN = re.compile(r"https?://([a-zA-Z0-9.-]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?")
_REMOVED = {"transport": "requests are always sent with aiohttp"}
"""Settings of earlier versions, and why each is gone: a file that still names one is refused with that reason."""
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every setting with its default; ``config/readstate.toml`` explains each."""

    base_url: str = ""
    connect_timeout_seconds: float = 5.0
    read_timeout_seconds: float = 30.0
    request_timeout_seconds: float = 120.0
    max_body_megabytes: int = 32
    page_size: int = 50

    max_in_flight: int = 500
    max_rate: float = 0.0
    production_first: bool = False
    writes_per_second: float = 30.0
    shared_pace: str = ""
    max_outage: str = "15m"
    max_attempts: int = 6
    retry_share: float = 0.2

    work_dir: str = ""
    part_rows: int = 25_000
    part_seconds: float = 30.0
    file_megabytes: int = 128
    max_failed_users: str = "0.1%"
    on_incomplete: Literal["publish", "refuse"] = "publish"

    metrics_file: str = ""
    log_format: Literal["text", "json"] = "text"

    def __repr__(self) -> str:
        """Return all settings, without the password that an address may hold."""
        shown = msgspec.structs.asdict(self) | {"shared_pace": without_password(self.shared_pace)}
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


@dataclass(frozen=True, slots=True)
class EffectiveSettings:
    """Settings, and the origin of each: ``default``, a file, a variable or a flag."""

    settings: Settings
    origins: Mapping[str, str]


def load_settings(
    *,
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    config: Path | None = None,
) -> EffectiveSettings:
    """Merge *flags* over *environ* over the file *config* over the defaults; a flag that is None counts as missing.

    Raise `BadInput` for an unknown name, with the nearest known one, and for a value that is not valid.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    origins = dict.fromkeys(Settings.__struct_fields__, "default")

    def merge(name: str, value: object, origin: str) -> None:
        values[name] = _converted(name, value, origin)
        origins[name] = origin

    if config is not None:
        for name, value in _read_toml(config).items():
            merge(name, value, f"{config}")
    for variable, text in environ.items():
        if variable.startswith(ENVIRONMENT_PREFIX):
            merge(variable.removeprefix(ENVIRONMENT_PREFIX).lower(), text, f"environment {variable}")
    for name, value in (flags or {}).items():
        if value is not None:
            merge(name, value, f"flag --{name.replace('_', '-')}")
    if not values.get("base_url"):
        values["base_url"] = _base_url_from_edge_and_region(environ)
        if values["base_url"] != DEFAULT_BASE_URL:
            origins["base_url"] = "environment TWILIO_EDGE, TWILIO_REGION"
    if not values.get("work_dir"):
        values["work_dir"] = str(_default_work_dir(environ))
    values["base_url"] = values["base_url"].rstrip("/")
    settings = Settings(**values)
    _check(settings, origins)
    return EffectiveSettings(settings, origins)


def _base_url_from_edge_and_region(environ: Mapping[str, str]) -> str:
    # Twilio's routing: {product}.{edge}.{region}.twilio.com; an edge alone means region us1, and a region alone
    # is silently routed to US1 (twilio-python's README; twilio-node issue 1012).
    edge, region = environ.get("TWILIO_EDGE"), environ.get("TWILIO_REGION")
    for name, value in (("TWILIO_EDGE", edge), ("TWILIO_REGION", region)):
        if value and not re.fullmatch("[a-zA-Z0-9-]+", value):
            raise BadInput(f"{name}={value!r} is not a valid name", hint="For example dublin and ie1.")
    if region and not edge:
        raise BadInput(
            f"TWILIO_REGION={region} without TWILIO_EDGE: Twilio would send the requests to US1 instead",
            hint=f"Export TWILIO_EDGE too, for example TWILIO_EDGE={'dublin' if region == 'ie1' else 'ashburn'}.",
        )
    if edge:
        return f"https://conversations.{edge}.{region or 'us1'}.twilio.com"
    return DEFAULT_BASE_URL


def _default_work_dir(environ: Mapping[str, str]) -> Path:
    state = environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "readstate"


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not valid TOML: {error}") from error


_FIELD_TYPES = {field.name: field.type for field in msgspec.structs.fields(Settings)}


def _converted(name: str, value: object, origin: str) -> object:
    if name in _REMOVED:
        raise BadInput(f"{origin}: the setting {name!r} was removed: {_REMOVED[name]}", hint="Delete it there.")
    if name not in _FIELD_TYPES:
        raise BadInput(f"{origin}: unknown setting {name!r}{_nearest(name)}", hint="To list all: readstate settings")
    try:
        return msgspec.convert(value, _FIELD_TYPES[name], strict=not isinstance(value, str))
    except msgspec.ValidationError as error:
        raise BadInput(f"{origin}: {name} = {value!r} is not valid: {error}") from error


def _nearest(name: str) -> str:
    close = difflib.get_close_matches(name, Settings.__struct_fields__, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _check(settings: Settings, origins: Mapping[str, str]) -> None:
    """Raise `BadInput` for values of the right type that cannot work."""
    at_least = {
        "page_size": 1, "max_in_flight": 1, "max_attempts": 1, "part_rows": 1, "file_megabytes": 1,
        "max_body_megabytes": 1, "max_rate": 0, "retry_share": 0,
    }  # fmt: skip
    positive = ("connect_timeout_seconds", "read_timeout_seconds", "request_timeout_seconds", "writes_per_second",
                "part_seconds")  # fmt: skip
    for name in (field for field, kind in _FIELD_TYPES.items() if kind is float):
        if not isfinite(getattr(settings, name)):
            raise BadInput(f"{origins[name]}: {name} must be a number")
    for name, least in at_least.items():
        if getattr(settings, name) < least:
            raise BadInput(f"{origins[name]}: {name} must be {least} or more")
    for name in positive:
        if getattr(settings, name) <= 0:
            raise BadInput(f"{origins[name]}: {name} must be more than 0")
    if settings.page_size > 50:
        raise BadInput(f"{origins['page_size']}: page_size must be 50 or less: a page of Twilio has no more rows")
    _check_origin(settings.base_url, origins["base_url"])
    _check_shared_pace(settings.shared_pace, origins["shared_pace"])


def _check_origin(base_url: str, origin: str) -> None:
    """Raise `BadInput` unless it is a scheme, a host and perhaps a port: a request appends its path to it."""
    if not _ORIGIN.fullmatch(base_url) or not _has_possible_port(base_url):
        shown = "an address with a password" if "@" in base_url else repr(base_url)
        raise BadInput(
            f"{origin}: base_url must be a scheme and a host, not {shown}", hint="For example http://127.0.0.1:8080"
        )
    url = urlsplit(base_url)
    if url.scheme == "http" and url.hostname not in _LOOPBACK:
        raise BadInput(
            f"{origin}: credentials would travel in clear text to {url.hostname}",
            hint="Use https. Plain http is only for this machine (127.0.0.1, localhost).",
        )


def _has_possible_port(base_url: str) -> bool:
    try:
        return urlsplit(base_url).port != 0
    except ValueError:
        return False


def without_password(place: str) -> str:
    """Return *place*, a path or an address, without a password, so that it can be shown."""
    if "://" not in place:
        return place
    url = urlsplit(place)
    return f"{url.scheme}://{url.netloc.rpartition('@')[2]}{url.path}"


def _check_shared_pace(place: str, origin: str) -> None:
    if "://" not in place:
        return
    if urlsplit(place).scheme not in {"redis", "rediss", "unix"}:
        raise BadInput(
            f"{origin}: shared_pace must be a file, redis:// or rediss://, not {without_password(place)!r}",
            hint="For example /run/readstate/pace or rediss://redis.example.com:6379/0",
        )
    if origin.startswith("flag") and ("@" in urlsplit(place).netloc or "password=" in place):
        raise BadInput(
            f"{origin}: every user of this machine can read a secret on the command line (ps, shell history)",
            hint="Export READSTATE_SHARED_PACE instead.",
        )
