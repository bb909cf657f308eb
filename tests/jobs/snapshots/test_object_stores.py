import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from pathlib import Path

import pytest

from readstate import open_snapshot
from readstate.errors import ExitCode, NotPermitted, PublishedMeanwhile, StoppedEarly
from readstate.simulator.server.server import RunningSimulator
from readstate.snapshot.published.snapshot import defects
from readstate.snapshot.published.snapshot_store import open_store
from readstate.snapshot.storage.cloud_client import RETRY_CONFIG
from tests.helpers import snapshots
from tests.helpers.cli_shell import RunCommand
from tests.helpers.object_stores import CuttingProxy, StoreServer

OLD, NEW = date(2024, 11, 22), date(2024, 11, 23)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that does not retry."""
    monkeypatch.setitem(RETRY_CONFIG, "max_retries", 0)


Cut = Callable[[int], AbstractContextManager[None]]


@pytest.fixture
def cutting(s3: StoreServer, monkeypatch: pytest.MonkeyPatch, hasty: None) -> Cut:
    """Cuts off every upload after some bytes, as long as a block lasts."""

    @contextmanager
    def cut(most_bytes: int) -> Iterator[None]:
        with CuttingProxy(s3.endpoint, most_bytes=most_bytes) as proxy:
            monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
            yield
        monkeypatch.setenv("AWS_ENDPOINT_URL", s3.endpoint)
        assert proxy.cuts

    return cut


@pytest.fixture
def root(s3: StoreServer) -> str:
    """A root in a bucket, with one snapshot."""
    root = s3.new_root()
    snapshots.publish(root, OLD, [snapshots.row(1, 1)])
    return root


def content(root: str, path: str) -> bytes:
    found = open_store(root).objects.read(path)
    assert found is not None
    return found.content


def test_every_command_takes_a_root_in_a_bucket(
    connected: RunCommand, s3: StoreServer, twilio: RunningSimulator
) -> None:
    root = s3.new_root()
    snapshots.publish(root, OLD, [snapshots.row(1, 1)], account_sid=twilio.credentials.account_sid)
    exported = connected("export", "--out", root, "--date", str(NEW), "--compare-with", "previous", "--json")
    manifest = exported.document["manifest"]
    rows = connected("sql", root, "SELECT count(*) AS n FROM latest", "--json").document[0]["n"]
    listed = connected("snapshots", root, "--verify", "--json").document["snapshots"]
    compared = connected("compare", root, "--out", "changes.parquet", "--json").document
    reported = connected("report", root, "--markdown")
    doctor = connected("doctor", "--out", root)

    assert (exported.code, doctor.code, reported.code) == (ExitCode.DONE, ExitCode.DONE, ExitCode.DONE)
    assert rows == manifest["rows"] == listed[1]["rows"] > 0
    assert exported.document["changes"]["user_conversations"]["addition_unknown"] == rows
    assert content(root, f"changes/snapshot_date={NEW}/since-{OLD}.parquet").startswith(b"PAR1")
    assert [found["defects"] for found in listed] == [[], []]
    assert compared["to"]["run_id"] == manifest["run_id"]
    assert str(NEW) in reported.stdout
    assert "s3://" in doctor.stdout
    again = connected("export", "--out", root, "--date", str(NEW))
    assert "published already" in again.stdout


def test_a_page_goes_into_a_bucket_and_replaces_the_one_before(readstate: RunCommand, root: str) -> None:
    page = f"{root}/pages/a day.html"

    output = [readstate("report", root, "--out", page, *more) for more in ([], ["--markdown"])]

    found = content(f"{root}/pages", "a day.html")
    assert [one.code for one in output] == [ExitCode.DONE] * 2
    assert (output[0].stdout, output[0].stderr) == ("", f"Written to {page}\n")
    assert found.startswith(b"## Who has read what on 2024-11-22")


def test_a_page_of_a_bucket_may_lie_beside_its_snapshots_and_at_the_top(readstate: RunCommand, root: str) -> None:
    bucket = "/".join(root.split("/")[:3])

    for page in (f"{root}/{OLD}.html", f"{bucket}/{OLD}.html"):
        assert readstate("report", root, "--date", str(OLD), "--out", page).code == ExitCode.DONE

    assert all(content(where, f"{OLD}.html").startswith(b"<!doctype") for where in (root, bucket))


def test_an_index_of_a_bucket_leads_to_the_pages_beside_it(readstate: RunCommand, root: str) -> None:
    assert readstate("report", root, "--all").code == ExitCode.DONE

    assert f'<a href="{OLD}.html">'.encode() in content(root, "index.html")
    assert content(root, f"{OLD}.csv").startswith(b"chart,label,series,value")
    assert readstate("snapshots", root, "--verify").code == ExitCode.DONE


@pytest.mark.parametrize(
    ("out", "code", "message"),
    [
        ("s3://bucket", ExitCode.USAGE, "such as s3://bucket/report.html"),
        ("s3://bucket/pages/", ExitCode.USAGE, "such as s3://bucket/pages/report.html"),
        ("ftp://host/report.html", ExitCode.BAD_INPUT, "an address like s3://bucket/path"),
        ("s3://mistyped/report.html", ExitCode.BAD_INPUT, "no such bucket"),
    ],
)
def test_an_address_that_no_page_can_have_is_told(
    readstate: RunCommand, root: str, out: str, code: ExitCode, message: str
) -> None:
    output = readstate("report", root, "--out", out)

    assert output.code == code
    assert message in output.stderr


def test_a_page_that_is_cut_off_leaves_the_one_before(
    readstate: RunCommand, s3: StoreServer, cutting: Cut, tmp_path: Path
) -> None:
    root, page = s3.new_root(), "report.html"
    snapshots.publish(tmp_path / "root", OLD, [snapshots.row(1, 1)])
    open_store(root).objects.put_bytes(b"before", page)

    with cutting(4_000):
        cut = readstate("report", str(tmp_path / "root"), "--out", f"{root}/{page}")

    assert cut.code == ExitCode.STOPPED_EARLY
    assert "run the same command again" in cut.stderr
    assert content(root, page) == b"before"


def test_pruning_a_bucket_leaves_the_newest_and_nothing_of_the_others(readstate: RunCommand, root: str) -> None:
    snapshots.publish(root, NEW, [snapshots.row(1, 1)])

    assert readstate("snapshots", root, "--keep", "1", "--yes").code == ExitCode.DONE

    store = open_store(root)
    assert store.dates() == [NEW]
    folders = {file.path.rsplit("/", 1)[0] for file in store.objects.list_objects("users")}
    assert folders == {f"users/snapshot_date={NEW}"}


def test_of_two_publishers_at_once_one_wins_the_other_says_so_and_no_reader_sees_a_mixture(s3: StoreServer) -> None:
    root = s3.new_root()
    crowd = 6
    first = [snapshots.row(user, 1, friendly_name="run 0") for user in range(50)]
    snapshots.publish(root, NEW, first, parts=5, run_id="r-0")
    standing = open_store(root).current(NEW)
    refused: list[PublishedMeanwhile] = []
    seen: set[str] = set()
    published, ready = threading.Event(), threading.Barrier(crowd)

    def publish(number: int) -> None:
        rows = [snapshots.row(user, 1, friendly_name=f"run {number}") for user in range(50 + number)]
        manifest = snapshots.put_snapshot(root, NEW, rows, parts=5, run_id=f"r-{number}")
        ready.wait()
        try:
            open_store(root).publish(manifest, replaces=standing)
        except PublishedMeanwhile as error:
            refused.append(error)

    def read() -> None:
        while not published.is_set():
            snapshot = open_snapshot(root)
            try:
                names = snapshot.dataset().to_table(columns=["friendly_name"])["friendly_name"].to_pylist()
            except FileNotFoundError:
                continue  # replaced between the manifest and its files: an error, never a mixture
            assert len(names) == snapshot.manifest.rows
            seen.update(names)
            assert len(set(names)) == 1

    reader = threading.Thread(target=read)
    publishers = [threading.Thread(target=publish, args=(number,)) for number in range(1, crowd + 1)]
    for thread in (reader, *publishers):
        thread.start()
    for thread in publishers:
        thread.join()
    published.set()
    reader.join()

    winner = open_snapshot(root)
    names = set(winner.dataset().to_table()["friendly_name"].to_pylist())
    assert len(refused) == crowd - 1
    assert all(error.exit_code == ExitCode.LOCKED and winner.manifest.run_id in error.message for error in refused)
    assert names == {f"run {winner.manifest.run_id.removeprefix('r-')}"}
    assert seen <= {"run 0", *names}
    assert list(defects(winner.store, winner.manifest)) == []
    assert {file.path for file in winner.store.objects.list_objects("")} == {
        *(file.path for file in winner.manifest.files),
        f"_snapshots/{NEW}.json",
    }


def test_an_upload_that_is_cut_off_leaves_no_object(s3: StoreServer, cutting: Cut, tmp_path: Path) -> None:
    root, source = s3.new_root(), tmp_path / "source"
    source.write_bytes(b"x" * 20_000_000)

    with cutting(3_000_000), pytest.raises(StoppedEarly, match="does not answer"):
        open_store(root).objects.put(source, "users/snapshot_date=2024-11-23/r-1.parquet")

    assert list(open_store(root).objects.list_objects("")) == []


def test_an_export_whose_upload_was_cut_off_goes_on_where_it_was(
    connected: RunCommand, s3: StoreServer, cutting: Cut
) -> None:
    root = s3.new_root()

    with cutting(10_000):
        cut = connected("export", "--out", root, "--json")
    assert cut.code == ExitCode.STOPPED_EARLY
    assert "To resume:" in cut.stderr
    assert open_store(root).dates() == []

    resumed = connected("export", "--out", root, "--json").document["manifest"]

    assert (resumed["starts"], resumed["complete"]) == (2, True)
    assert connected("snapshots", root, "--verify").code == ExitCode.DONE


def test_a_store_that_forbids_writing_is_told_before_anything_is_read(connected: RunCommand, s3: StoreServer) -> None:
    root = s3.new_root()
    bucket = root.split("/")[2]
    forbid = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.client().put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [forbid]}))

    output = connected("export", "--out", root)

    assert output.code == ExitCode.NOT_PERMITTED
    assert f"{root}: the store refuses" in output.stderr
    assert "storage/README.md" in output.stderr
    assert ".writable" not in output.stderr
    with pytest.raises(NotPermitted):
        open_store(root).objects.put_bytes(b"x", "users/a.parquet")


@pytest.mark.parametrize("command", [["export", "--out"], ["snapshots"], ["sql"], ["compare"], ["report"]])
def test_a_bucket_that_does_not_exist_is_named(connected: RunCommand, s3: StoreServer, command: list[str]) -> None:
    output = connected(*command, "s3://mistyped/root", *(["SELECT 1"] if command == ["sql"] else []))

    assert output.code == ExitCode.BAD_INPUT
    assert "s3://mistyped/root" in output.stderr
    assert "no such bucket" in output.stderr


@pytest.mark.usefixtures("hasty", "s3")
def test_a_store_that_does_not_answer_is_told_from_a_full_disk(connected: RunCommand) -> None:
    output = connected("export", "--out", "s3://bucket/root", env={"AWS_ENDPOINT_URL": "http://127.0.0.1:9"})

    assert output.code == ExitCode.STOPPED_EARLY
    assert "s3://bucket/root: the store does not answer" in output.stderr
    assert "AWS_ENDPOINT_URL" in output.stderr
    assert "space" not in output.stderr
    assert "Debug source" not in output.stderr
