"""The environment of a readstate process: all that a connection says, and nothing of another account."""

from collections.abc import Mapping

_OTHERS = ("TWILIO_", "AIRFLOW_", "READSTATE_BASE_URL")
"""A worker's own variables must neither decide where a connection's secret goes, nor be told to anybody."""


def to_environment(*, login: str | None, password: str | None, extra: Mapping[str, str | None]) -> dict[str, str]:
    """Give a connection as the variables that readstate reads. Raises `ValueError` where it cannot be used."""
    account_sid = extra.get("account_sid") or None
    if not password:
        raise ValueError("the secret is missing: an API key's secret, or the account's auth token")
    named = {
        "TWILIO_EDGE": extra.get("edge"),
        "TWILIO_REGION": extra.get("region"),
        "READSTATE_BASE_URL": extra.get("base_url"),
    }
    if login and login.startswith("SK"):
        named |= {"TWILIO_API_KEY": login, "TWILIO_API_SECRET": password, "TWILIO_ACCOUNT_SID": account_sid}
    elif account := login or account_sid:
        named |= {"TWILIO_ACCOUNT_SID": account, "TWILIO_AUTH_TOKEN": password}
    else:
        raise ValueError("the login is missing: an API key's SID (SK…), or the account's (AC…)")
    return {name: value for name, value in named.items() if value}


def without_others(environ: Mapping[str, str]) -> dict[str, str]:
    """*environ* without what belongs to the worker alone."""
    return {name: value for name, value in environ.items() if not name.startswith(_OTHERS)}
