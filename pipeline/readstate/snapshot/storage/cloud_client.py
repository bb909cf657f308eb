"""From a root's address and the environment to a client of the store, with the platform's own names for everything."""

import os
from collections.abc import Mapping
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from readstate.errors import BadInput, NotPermitted

# Somebody may be waiting: what refuses connections is told after about six seconds, what is silent after half a minute.
PATIENCE: dict[str, Any] = {"max_retries": 6, "retry_timeout": timedelta(seconds=60)}
_SECONDS = {"connect_timeout": timedelta(seconds=5), "timeout": timedelta(seconds=120)}
_ENDPOINTS = (
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT",
    "AZURE_STORAGE_ENDPOINT",
    "AZURE_ENDPOINT",
    "GOOGLE_BASE_URL",
)
_AZURE_HOSTS = (".dfs.core.windows.net", ".blob.core.windows.net")


def open_client(root: str, environ: Mapping[str, str] = os.environ) -> Any:
    """Give an obstore client whose paths begin at *root*. Raises `BadInput`; asks the store nothing yet."""
    address = urlsplit(root)
    make = _BY_SCHEME.get(address.scheme)
    if make is None or not address.netloc:
        raise BadInput(
            f"{root}: no address of an object store",
            hint="Give a path, or an address like s3://bucket/path, gs://bucket/path or abfs://container/path.",
        )
    from obstore.exceptions import BaseError

    around = {
        "prefix": unquote(address.path).strip("/") or None,
        "client_options": {**_SECONDS, "allow_http": _is_plain_http(environ)},
        "retry_config": PATIENCE,
    }
    try:
        return make(address, environ, around)
    except (BaseError, ValueError) as error:
        raise BadInput(
            f"{root}: {str(error).splitlines()[0]}", hint="Look at the settings of the store in the environment."
        ) from error


def storage_options(root: str, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What another client of the same library family has to be told beside the environment, as plain words."""
    options = {"allow_http": "true"} if _is_plain_http(environ) else {}
    if urlsplit(root).scheme in {"s3", "s3a"} and (found := _profile(environ)):
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


def _s3(address: SplitResult, environ: Mapping[str, str], around: dict[str, Any]) -> Any:
    from obstore.store import S3Store

    return S3Store(address.netloc, **around, **_profile(environ))


def _gcs(address: SplitResult, environ: Mapping[str, str], around: dict[str, Any]) -> Any:
    from obstore.store import GCSStore

    if endpoint := environ.get("GOOGLE_BASE_URL"):
        around |= {"base_url": endpoint}
    return GCSStore(address.netloc, **around)


def _azure(address: SplitResult, environ: Mapping[str, str], around: dict[str, Any]) -> Any:
    from obstore.store import AzureStore

    container, _, host = address.netloc.rpartition("@")
    if container:
        account = host.split(".", 1)[0]
    else:
        container, account = host, environ.get("AZURE_STORAGE_ACCOUNT_NAME", "")
    if not account or container.endswith(_AZURE_HOSTS):
        raise ValueError("the storage account is missing: abfs://container@account.dfs.core.windows.net/path")
    return AzureStore(container, account_name=account, **around)


_BY_SCHEME = {
    "s3": _s3,
    "s3a": _s3,
    "gs": _gcs,
    "gcs": _gcs,
    "abfs": _azure,
    "abfss": _azure,
    "az": _azure,
}


def _is_plain_http(environ: Mapping[str, str]) -> bool:
    """Whether an endpoint asks for HTTP by name; otherwise nothing is sent unencrypted."""
    return any(environ.get(name, "").startswith("http://") for name in _ENDPOINTS)


def _profile(environ: Mapping[str, str]) -> dict[str, Any]:
    """Credentials of a profile or a login, which only AWS's own library knows how to find."""
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
            f"AWS_PROFILE is {named}, and profiles are read by AWS's own library, which is not installed",
            hint="pip install boto3, or give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )
    return _from_boto3(named)


def _from_boto3(profile: str | None) -> dict[str, Any]:
    from boto3 import Session
    from obstore.auth.boto3 import Boto3CredentialProvider

    session = Session(profile_name=profile)
    if session.get_credentials() is None:
        return {}
    region = {"region": session.region_name} if session.region_name else {}
    return {"credential_provider": Boto3CredentialProvider(session), **region}


def _aws_file(name: str) -> Path:
    return Path.home() / ".aws" / name
