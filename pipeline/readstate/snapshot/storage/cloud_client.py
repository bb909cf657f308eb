"""An obstore client for a root's address, configured by the environment variables of the store's own platform."""

import os
from collections.abc import Mapping
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from obstore.exceptions import BaseError
from obstore.store import from_url

from readstate.errors import BadInput, NotPermitted
from readstate.snapshot.storage.address import AZURE, EXAMPLES, GOOGLE, S3, Address, parse_address

# A person may be waiting: a refused connection is reported after about six seconds, a silent server after 30.
RETRY_CONFIG: dict[str, Any] = {"max_retries": 6, "retry_timeout": timedelta(seconds=60)}
_TIMEOUTS = {"connect_timeout": timedelta(seconds=5), "timeout": timedelta(seconds=120)}
_ENDPOINTS = (
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT",
    "AZURE_STORAGE_ENDPOINT",
    "AZURE_ENDPOINT",
    "GOOGLE_BASE_URL",
)


def open_client(root: str, environ: Mapping[str, str] = os.environ) -> Any:
    """Return an obstore client whose paths are relative to *root*; no request is sent.

    Raise `BadInput`, and `NotPermitted` for an address with a secret in it.
    """
    address = parse_address(root)
    try:
        options: dict[str, Any] = {
            "client_options": {**_TIMEOUTS, "allow_http": _is_plain_http(environ)},
            "retry_config": RETRY_CONFIG,
            **_settings(address, environ),
        }
        return from_url(address.url, **options)
    except (BaseError, ValueError) as error:
        raise BadInput(
            f"{root}: {str(error).splitlines()[0]}",
            hint=f"Check the store's variables in the environment; an address looks like {EXAMPLES}.",
        ) from error


def storage_options(root: str, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what deltalake needs beside the environment: it uses the same Rust library, but takes strings only."""
    options = {"allow_http": "true"} if _is_plain_http(environ) else {}
    if parse_address(root).scheme in S3 and (found := _profile(environ)):
        credentials = found["credential_provider"]()
        options |= {
            "aws_access_key_id": credentials["access_key_id"],
            "aws_secret_access_key": credentials["secret_access_key"],
        }
        if credentials.get("token"):
            options["aws_session_token"] = credentials["token"]
        if "region" in found:
            options["aws_region"] = found["region"]
    return options


def _settings(address: Address, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings that obstore does not take from the environment by itself."""
    if address.scheme in S3:
        return _profile(environ)
    if address.scheme in GOOGLE:
        return {"base_url": environ["GOOGLE_BASE_URL"]} if environ.get("GOOGLE_BASE_URL") else {}
    assert address.scheme in AZURE
    if "@" in address.bucket:
        return {}
    account = environ.get("AZURE_STORAGE_ACCOUNT_NAME")
    if not account:
        raise ValueError("the storage account is missing")
    return {"account_name": account}


def _is_plain_http(environ: Mapping[str, str]) -> bool:
    """Return whether an endpoint begins with http://; otherwise nothing is sent unencrypted."""
    return any(environ.get(name, "").startswith("http://") for name in _ENDPOINTS)


def _profile(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return credentials of a profile or of an SSO login: only boto3 can read those."""
    if "AWS_ACCESS_KEY_ID" in environ:
        return {}
    named = environ.get("AWS_PROFILE")
    configured = any(path.exists() for path in (_aws_file("config"), _aws_file("credentials")))
    if not named and not configured:
        return {}
    if find_spec("boto3") is None:
        if not named:
            return {}
        raise NotPermitted(
            f"AWS_PROFILE is {named}, and reading profiles needs boto3, which is not installed",
            hint="pip install boto3, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )
    return _from_boto3(named)


def _from_boto3(profile: str | None) -> dict[str, Any]:
    from boto3 import Session  # noqa: PLC0415 - optional
    from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415 - imports boto3

    session = Session(profile_name=profile)
    if session.get_credentials() is None:
        return {}
    region = {"region": session.region_name} if session.region_name else {}
    return {"credential_provider": Boto3CredentialProvider(session), **region}


def _aws_file(name: str) -> Path:
    return Path.home() / ".aws" / name
