import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from readstate.errors import BadInput, NotPermitted
from readstate.snapshot.storage import cloud_client as module
from readstate.snapshot.storage.cloud_client import open_client, storage_options

KEYS = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}


@pytest.fixture(autouse=True)
def _empty_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.parametrize(
    ("root", "kind", "prefix"),
    [
        ("s3://bucket", "S3Store", None),
        ("s3://bucket/some/path/", "S3Store", "some/path"),
        ("s3a://bucket/with%20space", "S3Store", "with%20space"),
        ("abfs://container@account.dfs.core.windows.net/path", "AzureStore", "path"),
        ("abfss://container@account.blob.core.windows.net/path", "AzureStore", "path"),
    ],
)
def test_an_address_names_bucket_and_prefix(root: str, kind: str, prefix: str | None) -> None:
    client = open_client(root, KEYS)

    assert type(client).__name__ == kind
    assert client.prefix == prefix


def test_the_account_of_a_container_may_come_from_the_environment() -> None:
    client = open_client("abfs://container/path", {"AZURE_STORAGE_ACCOUNT_NAME": "account"})

    assert (client.config["container_name"], client.config["account_name"]) == ("container", "account")


@pytest.mark.parametrize(
    "root", ["ftp://host/path", "s3:///path", "abfs://container/path", "abfs://account.dfs.core.windows.net/container"]
)
def test_an_invalid_address_is_refused_with_an_example(root: str) -> None:
    with pytest.raises(BadInput, match="://"):
        open_client(root, {})


@pytest.mark.parametrize(
    ("environ", "allowed"),
    [({}, "false"), ({"AWS_ENDPOINT_URL": "https://minio"}, "false"), ({"AWS_ENDPOINT_URL": "http://minio"}, "true")],
)
def test_plain_http_is_allowed_only_where_an_endpoint_has_it(environ: dict[str, str], allowed: str) -> None:
    assert open_client("s3://bucket", {**KEYS, **environ}).client_options["allow_http"] == allowed
    assert storage_options("s3://bucket", {**KEYS, **environ}).get("allow_http", "false") == allowed


def test_a_google_endpoint_can_be_overridden() -> None:
    client = open_client("gs://bucket/path", {"GOOGLE_BASE_URL": "http://127.0.0.1:4443"})

    assert client.config["base_url"] == "http://127.0.0.1:4443"


def test_a_profile_is_read_by_boto3(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    (tmp_path / "config").write_text("[profile mine]\nregion = eu-central-1\n")
    (tmp_path / "credentials").write_text("[mine]\naws_access_key_id = from-profile\naws_secret_access_key = s\n")

    client = open_client("s3://bucket", {"AWS_PROFILE": "mine"})
    options = storage_options("s3://bucket", {"AWS_PROFILE": "mine"})

    assert client.credential_provider is not None
    assert client.config["region"] == options["aws_region"] == "eu-central-1"
    assert options["aws_access_key_id"] == "from-profile"


def test_a_profile_without_boto3_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _name: None)

    with pytest.raises(NotPermitted, match="pip install boto3"):
        open_client("s3://bucket", {"AWS_PROFILE": "mine"})


def test_keys_in_the_environment_need_no_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)

    assert open_client("s3://bucket", {**KEYS, "AWS_PROFILE": "mine"}).credential_provider is None


def test_a_login_without_credentials_leaves_the_search_to_the_client(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text("[default]\nregion = eu-central-1\n")
    monkeypatch.setattr("boto3.Session", lambda **_: SimpleNamespace(get_credentials=lambda: None))

    assert open_client("s3://bucket", {}).credential_provider is None
    monkeypatch.setattr(module, "find_spec", lambda _name: None)
    assert open_client("s3://bucket", {}).credential_provider is None
