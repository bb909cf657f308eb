"""An address is taken literally or refused; a secret in it is refused and never shown."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import pytest

from readstate.errors import BadInput, ExitCode, NotPermitted, ReadstateError
from readstate.snapshot.published.snapshot_store import open_store
from readstate.snapshot.storage.address import Address, is_address, parse_address
from readstate.snapshot.storage.output_file import output_writer
from tests.helpers.object_stores import StoreServer

NO_ACCOUNT = '{"disable_oauth": true, "client_email": "", "private_key": "", "private_key_id": ""}'
ODD = "team#1/50% off?x=y&z/a b/%20/ü+~[1]*"


@pytest.mark.parametrize(
    ("root", "address"),
    [
        (f"s3://bucket/{ODD}", Address("s3", "bucket", ODD)),
        (f"S3A://bucket/{ODD}/", Address("s3a", "bucket", ODD)),
        (f"gs://my_bucket.example/{ODD}", Address("gs", "my_bucket.example", ODD)),
        (f"abfs://c@account.dfs.core.windows.net/{ODD}", Address("abfs", "c@account.dfs.core.windows.net", ODD)),
        ("az://$web/x ", Address("az", "$web", "x ")),
        ("s3://bucket", Address("s3", "bucket", "")),
        ("s3://bucket/", Address("s3", "bucket", "")),
        ("s3://bucket/is?it=a&question", Address("s3", "bucket", "is?it=a&question")),
    ],
)
def test_every_character_after_the_bucket_belongs_to_the_keys(root: str, address: Address) -> None:
    assert parse_address(root) == address


@pytest.mark.parametrize(
    "root",
    [
        "s3://b#1/x", "s3://b?x", "s3://b%20c/x", "s3://b c/x", "s3:///b/x", "s3://localhost:9000/b", "s3://[::1]/b",
        "s3://b//x", "s3://b/x/../y", "s3://b/./x", "s3://b/..", "s3://b/x//", "s3://b/x\n", "gs://b/a\x00",
        "s4://b/x", "file:///data", "https://b.s3.amazonaws.com/x", "wasbs://c@a.blob.core.windows.net/x",
        "azure://c/x", "memory://x", "://b", "abfs://c@a@b/x", "abfs://c_d/x",
    ],
)  # fmt: skip
def test_what_cannot_be_taken_literally_is_refused_with_an_example(root: str) -> None:
    for take in (open_store, lambda out: output_writer(f"{out}/page.html")):
        with pytest.raises(BadInput) as refusal:
            take(root)
        assert "://bucket/path" in str(refusal.value.hint) or "path as the store shows it" in str(refusal.value.hint)


@pytest.mark.parametrize(
    "root", ["s3:/b/x", "s3:b/x", "s3//b/x", "S3:/b", "gs:/b", "abfss:/c", "file:/data", "HTTPS:/b"]
)
def test_what_is_almost_an_address_is_no_folder(root: str) -> None:
    for take in (open_store, output_writer):
        with pytest.raises(BadInput, match="nor clearly a path"):
            take(root)
    assert not is_address(f"./{root}")


@pytest.mark.parametrize("root", ["s3", "gs/x", "data:1/x", "s3-backup/x", "/s3:/x", "azimuth//x", "a b#c%20"])
def test_a_folder_with_a_similar_name_is_a_folder(root: str) -> None:
    assert not is_address(root)


@pytest.mark.parametrize(
    "root",
    [
        "s3://AKIA:hidden@bucket/x",
        "s3://hidden@bucket/x",
        "gs://hidden@bucket/x",
        "abfs://container:hidden@account.dfs.core.windows.net/x",
        "abfs://c@account.dfs.core.windows.net/x?sv=2024&sig=hidden",
        "https://account.blob.core.windows.net/c?sp=r&sig=hidden",
        "https://user:hidden@host/c",
        "s3://bucket/x?X-Amz-Signature=hidden",
        "s3://bucket/x?aws_secret_access_key=hidden",
        "gs://bucket/x?a=b&access_token=hidden",
    ],
)
def test_an_address_with_a_secret_is_refused_and_the_secret_not_shown(root: str) -> None:
    for take in (open_store, lambda out: output_writer(f"{out}/page.html")):
        with pytest.raises(ReadstateError, match="must hold no key, password or signature") as refusal:
            take(root)
        assert refusal.value.exit_code == ExitCode.NOT_PERMITTED
        assert "hidden" not in str(refusal.value)


def test_other_parts_that_may_be_secret_are_not_shown_either() -> None:
    with pytest.raises(BadInput) as refusal:
        parse_address("ftp://host/x?pin=hidden")
    assert "hidden" not in str(refusal.value)


@pytest.fixture
def requested() -> Iterator[tuple[str, list[str]]]:
    """A server's endpoint, and the targets of the requests that it refuses."""
    targets: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            targets.append(self.path)
            self.send_error(403)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", targets
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("root", "endpoint", "others"),
    [
        ("s3://bucket", "AWS_ENDPOINT_URL", {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}),
        ("gs://bucket", "GOOGLE_BASE_URL", {"GOOGLE_SERVICE_ACCOUNT_KEY": NO_ACCOUNT}),
        (
            "abfs://bucket",
            "AZURE_STORAGE_ENDPOINT",
            {"AZURE_STORAGE_ACCOUNT_NAME": "account", "AZURE_SKIP_SIGNATURE": "true"},
        ),
    ],
)
def test_all_three_stores_are_asked_for_the_very_key(
    requested: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch, root: str, endpoint: str, others: dict[str, str]
) -> None:
    for name, value in {endpoint: requested[0], **others}.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(NotPermitted):
        open_store(f"{root}/{ODD}").objects.put_bytes(b"x", "users/a")

    (target,) = requested[1]
    path, _, query = target.partition("?")
    assert unquote(path).endswith(f"bucket/{ODD}/users/a")
    assert not query


def test_a_root_with_such_characters_is_written_listed_read_and_emptied(s3: StoreServer) -> None:
    bucket = s3.new_root().split("/")[2]
    objects = open_store(f"s3://{bucket}/{ODD}").objects

    objects.put_bytes(b"x", "users/a")
    output_writer(f"s3://{bucket}/{ODD}/page%20 1#?.html")(b"page")

    keys = [entry["Key"] for entry in s3.client().list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == [f"{ODD}/page%20 1#?.html", f"{ODD}/users/a"]
    assert [file.path for file in objects.list_objects("")] == ["page%20 1#?.html", "users/a"]
    assert objects.list_folders("") == ["users"]
    found = objects.read("users/a")
    assert found is not None
    assert found.content == b"x"
    objects.delete_folder("users")
    assert not list(objects.list_objects("users"))
