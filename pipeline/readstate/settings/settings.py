"""Settings from flags, the environment, a file and defaults, in this order, each with its origin."""

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from readstate.errors import BadInput
from readstate.settings.account import Account, account_in, key_of, variable_origin
from readstate.settings.config_file import ACCOUNT_KEYS, Configuration, read_configuration
from readstate.settings.redis_address import check_shared_pace, without_password
from readstate.text import group_digits

ENVIRONMENT_PREFIX = "READSTATE_"
_CONFIG, _PROFILE = "READSTATE_CONFIG", "READSTATE_PROFILE"
DEFAULT_BASE_URL = "https://conversations.twilio.com"
_ORIGIN = re.compile(r"https?://([a-zA-Z0-9.-]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?")
_PATHS = {"work_dir", "metrics_file", "log_file", "shared_pace"}
_MAY_HOLD_A_PASSWORD = {"base_url", "shared_pace"}
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every setting with its default; ``config/readstate.toml`` explains each."""

    base_url: str = ""
    connect_timeout_seconds: float = 5.0
    read_timeout_seconds: float = 30.0
    request_timeout_seconds: float = 120.0
    max_body_megabytes: int = 8
    transport: Literal["auto", "aiohttp", "curl"] = "auto"
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
    log_level: Literal["error", "warning", "info", "debug", "trace"] = "info"
    log_file: str = ""

    def __repr__(self) -> str:
        """Return all settings, without the password that an address may hold."""
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in self.shown().items())})"

    def shown(self) -> dict[str, Any]:
        """Return all settings by their names, without the password that an address may hold."""
        return msgspec.structs.asdict(self) | {"shared_pace": without_password(self.shared_pace)}


class EffectiveSettings(Struct, frozen=True):
    """Settings, and the origin of each: ``default``, a file, a profile, a variable or a flag."""

    settings: Settings
    origins: Mapping[str, str]
    account: Account
    """The account of the profile, or that of the environment."""
    warnings: Sequence[str] = ()
    """What was ignored, for people."""


def load_settings(
    *,
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    config: Path | None = None,
    profile: str | None = None,
    env_files: Mapping[str, str] | None = None,
) -> EffectiveSettings:
    """Merge *flags* over *environ* over *profile* over the rest of the file *config* over the defaults.

    A flag that is None counts as missing. The variables ``READSTATE_CONFIG`` and ``READSTATE_PROFILE`` stand for a
    missing *config* and *profile*; *env_files* has the file of each variable that was read from one. Raise `BadInput`
    for an unknown name, with the nearest known one, and for a value that is not valid. An unknown variable is only
    warned of: others name theirs, too.
    """
    environ = os.environ if environ is None else environ
    env_files = env_files or {}
    values: dict[str, Any] = {}
    origins = dict.fromkeys(Settings.__struct_fields__, "default")

    def merge(name: str, value: object, origin: str) -> None:
        values[name] = _converted(name, value, origin)
        origins[name] = origin

    configuration = _configuration(config, profile, environ)
    for origin, table in configuration.tables.items():
        for name, value in table.items():
            merge(name, value, origin)
    variables, unknown = _own_variables(environ)
    for name, variable in variables.items():
        merge(name, environ[variable], variable_origin(variable, env_files))
    for name, value in (flags or {}).items():
        if value is not None:
            merge(name, value, f"flag --{name.replace('_', '-')}")
    account = configuration.account or account_in(environ, env_files)
    if not values.get("base_url"):
        values["base_url"] = _base_url_from_edge_and_region(account)
        if values["base_url"] != DEFAULT_BASE_URL:
            origins["base_url"] = account.profile or "environment TWILIO_EDGE, TWILIO_REGION"
    if not values.get("work_dir"):
        values["work_dir"] = _default_work_dir(environ)
    for name in _PATHS.intersection(values):
        values[name] = _without_tilde(values[name], origins[name])
    values["base_url"] = values["base_url"].rstrip("/")
    settings = Settings(**values)
    _check(settings, origins)
    return EffectiveSettings(settings, origins, account, [_warning(unknown)] if unknown else [])


def _configuration(config: Path | None, profile: str | None, environ: Mapping[str, str]) -> Configuration:
    """Return what the chosen file says. Raise `BadInput`, also for a profile without a file."""
    config = config or (Path(named) if (named := environ.get(_CONFIG)) else None)
    profile = profile or environ.get(_PROFILE) or None
    if config is not None:
        return read_configuration(Path(_without_tilde(str(config), "--config")), profile)
    if profile is not None:
        raise BadInput(
            f"the profile {profile} needs a settings file", hint=f"Add --config FILE, or export {_CONFIG}=FILE."
        )
    return Configuration({})


def _own_variables(environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the variables that are settings, by the setting's name, and those that are none though named alike."""
    found = {
        variable.removeprefix(ENVIRONMENT_PREFIX).lower(): variable
        for variable in environ
        if variable.startswith(ENVIRONMENT_PREFIX) and variable not in {_CONFIG, _PROFILE}
    }
    known = {name: variable for name, variable in found.items() if name in _FIELD_TYPES}
    return known, sorted(found.keys() - known.keys())


def _warning(unknown: Sequence[str]) -> str:
    """Return the words about the *unknown* names of variables; a value of theirs is never repeated."""
    names = [f"{ENVIRONMENT_PREFIX}{name.upper()}{_nearest_variable(name)}" for name in unknown]
    return f"no settings, and ignored: {', '.join(names)}"


def _nearest_variable(name: str) -> str:
    # Kubernetes sets such variables for every service: one called readstate-x gives READSTATE_X_PORT, and more.
    if re.search(r"(^|_)(service_(host|port(_\w+)?)|port(_\d+_(tcp|udp|sctp)(_\w+)?)?)$", name):
        return ""
    close = difflib.get_close_matches(name, [*Settings.__struct_fields__, "config", "profile"], n=1)
    return f" (did you mean {ENVIRONMENT_PREFIX}{close[0].upper()}?)" if close else ""


def _base_url_from_edge_and_region(account: Account) -> str:
    # Twilio's routing: {product}.{edge}.{region}.twilio.com; an edge alone means region us1, and a region alone
    # is silently routed to US1 (twilio-python's README; twilio-node issue 1012).
    edge, region = account.get("TWILIO_EDGE"), account.get("TWILIO_REGION")
    for name, value in (("TWILIO_EDGE", edge), ("TWILIO_REGION", region)):
        if value and not re.fullmatch("[a-zA-Z0-9-]+", value):
            raise BadInput(f"{account.label(name)}={value!r} is not a valid name", hint="For example dublin and ie1.")
    if region and not edge:
        missing = key_of("TWILIO_EDGE") if account.profile else "TWILIO_EDGE"
        raise BadInput(
            f"{account.label('TWILIO_REGION')}={region} without {missing}: Twilio would route requests to US1 instead",
            hint=f"Set {missing} too, for example {missing}={'dublin' if region == 'ie1' else 'ashburn'}.",
        )
    if edge:
        return f"https://conversations.{edge}.{region or 'us1'}.twilio.com"
    return DEFAULT_BASE_URL


def _default_work_dir(environ: Mapping[str, str]) -> str:
    return f"{environ.get('XDG_STATE_HOME') or '~/.local/state'}/readstate"


def _without_tilde(path: str, origin: str) -> str:
    """Return *path* with the folder of a user for a leading ``~``, as a shell would write it. Raise `BadInput`."""
    expanded = os.path.expanduser(path)  # noqa: PTH111 - Path would also take the end off an address
    if expanded.startswith("~"):
        raise BadInput(
            f"{origin}: {path}: the home folder that {path.partition('/')[0]} stands for is not known",
            hint="Set HOME, or write the whole path; for the folder of unfinished work: READSTATE_WORK_DIR=/a/folder",
        )
    return expanded


_FIELD_TYPES = {field.name: field.type for field in msgspec.structs.fields(Settings)}


def _converted(name: str, value: object, origin: str) -> object:
    if name not in _FIELD_TYPES:
        raise BadInput(f"{origin}: unknown setting {name!r}{_nearest(name)}", hint="To list all: readstate settings")
    try:
        return msgspec.convert(value, _FIELD_TYPES[name], strict=not isinstance(value, str))
    except msgspec.ValidationError as error:
        shown = "" if name in _MAY_HOLD_A_PASSWORD else f" = {value!r}"
        raise BadInput(f"{origin}: {name}{shown} is not valid: {error}") from error


def _nearest(name: str) -> str:
    close = difflib.get_close_matches(name, [*Settings.__struct_fields__, *ACCOUNT_KEYS], n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


_BOUNDS: Mapping[str, tuple[float, float]] = {
    "connect_timeout_seconds": (0.001, 3_600),
    "read_timeout_seconds": (0.001, 3_600),
    "request_timeout_seconds": (0.001, 86_400),
    "max_body_megabytes": (1, 1_024),
    "page_size": (1, 50),  # a page of Twilio has no more rows
    "max_in_flight": (1, 10_000),  # each is a connection, and a machine has 28 000 ports for them
    "max_rate": (0, 100_000),
    "writes_per_second": (0.001, 100_000),
    "max_attempts": (1, 100),
    "retry_share": (0, 10),
    "part_rows": (1, 10_000_000),
    "part_seconds": (0.001, 86_400),
    "file_megabytes": (1, 10_240),
}
"""The least and the most that each number may be: a slip of the keyboard must not take all memory or all sockets."""


def _check(settings: Settings, origins: Mapping[str, str]) -> None:
    """Raise `BadInput` for values of the right type that cannot work."""
    for name, (least, most) in _BOUNDS.items():
        if not least <= getattr(settings, name) <= most:  # never true of nan
            raise BadInput(f"{origins[name]}: {name} must be a number from {least:g} to {group_digits(int(most))}")
    for name in ("work_dir", "metrics_file", "log_file"):
        # Not shown: an address may hold a secret. As a path it would become a folder such as "s3:".
        if "://" in getattr(settings, name):
            raise BadInput(f"{origins[name]}: {name} must be a path on this machine, not an address")
    _check_origin(settings.base_url, origins["base_url"])
    check_shared_pace(settings.shared_pace, origins["shared_pace"])


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
