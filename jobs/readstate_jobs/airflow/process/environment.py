"""The environment of a readstate process: what a connection says, and nothing of another account."""

from collections.abc import Mapping

_WORKERS_OWN = ("TWILIO_", "AIRFLOW_", "READSTATE_BASE_URL", "READSTATE_CONFIG", "READSTATE_PROFILE")
"""A worker's own variables must not decide where a connection's secret is sent, and hold secrets themselves."""


def connection_environment(
    *, login: str | None, password: str | None, extra: Mapping[str, str | None]
) -> dict[str, str]:
    """Return a connection as the variables that readstate reads. Raise `ValueError` where it is incomplete."""
    account_sid = extra.get("account_sid") or None
    if not password:
        raise ValueError("the secret is missing: an API key's secret, or the account's auth token")
    environ = {
        "TWILIO_EDGE": extra.get("edge"),
        "TWILIO_REGION": extra.get("region"),
        "READSTATE_BASE_URL": extra.get("base_url"),
    }
    if login and login.startswith("SK"):
        environ |= {"TWILIO_API_KEY": login, "TWILIO_API_SECRET": password, "TWILIO_ACCOUNT_SID": account_sid}
    elif account := login or account_sid:
        environ |= {"TWILIO_ACCOUNT_SID": account, "TWILIO_AUTH_TOKEN": password}
    else:
        raise ValueError("the login is missing: an API key's SID (SK…), or the account's (AC…)")
    return {name: value for name, value in environ.items() if value}


def without_worker_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """Return *environ* without the worker's own credentials, connections and address of Twilio."""
    return {name: value for name, value in environ.items() if not name.startswith(_WORKERS_OWN)}
