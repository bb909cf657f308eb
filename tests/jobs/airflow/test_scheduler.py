"""A real scheduler: killed tasks resume, no row comes twice, and a plan waits for an approval."""

import csv
import json
import os
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.world import World
from readstate.snapshot.published.snapshot import open_snapshot
from tests.helpers.airflow_site import FINISHED, AirflowSite, Try
from tests.helpers.bulk_changes import mixed_lines
from tests.helpers.exporting import assert_same, published_rows, world_rows
from tests.helpers.repository import ROOT
from tests.helpers.small_s3 import SmallS3, small_s3

USERS = 1_200
BUCKET = "s3://bucket/nightly"


@pytest.fixture(scope="module")
def twilio() -> Iterator[RunningSimulator]:
    world = World(WorldShape(users=USERS, services=1, odd_identities=0.0))
    with running(world, faults=Faults(concurrency_cap=None, latency_ms=150)) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def s3() -> Iterator[SmallS3]:
    with small_s3() as store:
        yield store


@pytest.fixture(scope="module")
def site(twilio: RunningSimulator, s3: SmallS3, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowSite]:
    folder = tmp_path_factory.mktemp("airflow")
    dags = folder / "dags"
    shutil.copytree(Path(__file__).parent / "dags", dags)
    shutil.copy(ROOT / "jobs" / "dags" / "read_state.py", dags)
    variables = {
        "readstate_work_dir": folder / "work",
        "readstate_plans": folder / "plans",
        "killable_root": folder / "root",
        "readstate_accounts": json.dumps(
            [{"root": f"{folder}/sharded", "shards": 4, "keep": 2}, {"root": f"{folder}/whole"}, {"root": BUCKET}]
        ),
    }
    values = {name: str(path) for name, path in variables.items()}
    made = AirflowSite(folder / "home", dags, values, twilio, s3.environment)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def test_the_nightly_dag_publishes_checks_and_reports_each_account_wherever_it_lies(
    site: AirflowSite, twilio: RunningSimulator, s3: SmallS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    twilio.faults = replace(twilio.faults, latency_ms=5)
    site.wait_for_dag("readstate_nightly")
    site.airflow("dags", "test", "readstate_nightly")

    tasks = Counter((one.task_id, one.state) for one in site.tries("readstate_nightly"))
    assert site.state("readstate_nightly") == "success"
    assert tasks[("export_shard", "success")] == 6
    assert (tasks[("publish", "success")], tasks[("publish", "skipped")]) == (1, 2)
    assert tasks[("check", "success")] == tasks[("report", "success")] == 3
    assert tasks[("compare", "skipped")] == 3, "there is no snapshot before the first one"
    assert (tasks[("prune", "success")], tasks[("prune", "skipped")]) == (1, 2), "one account says how many it keeps"
    assert tasks[("forget", "skipped")] == tasks[("fail_the_night", "skipped")] == 1
    assert site.asset_events() == 3
    for name in ("sharded", "whole"):
        assert_same(published_rows(site.home.parent / name), world_rows(twilio))
        assert len(list((site.home.parent / name).glob("*.html"))) == 2, "the night, and the index of all"
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    published = open_snapshot(BUCKET).manifest
    page = s3.objects[f"bucket/nightly/{published.snapshot_date}.html"]
    assert (published.complete, published.rows) == (True, len(world_rows(twilio)))
    assert page.startswith(b"<!doctype html>")


def shard(site: AirflowSite, number: int) -> Try:
    (found,) = [one for one in site.tries("killable") if (one.task_id, one.map_index) == ("export_shard", number - 1)]
    return found


def test_four_mapped_shards_survive_every_kill_and_publish_each_row_once(
    site: AirflowSite, twilio: RunningSimulator
) -> None:
    folder = site.home.parent
    twilio.faults = replace(twilio.faults, latency_ms=150)
    twilio.reset_counters()
    site.trigger("killable")
    site.wait_until(lambda: len({part.parent for part in folder.glob("work/shards/*/parts/part-*.arrow")}) == 4)
    killed = {}
    for number, by in ((1, signal.SIGTERM), (2, signal.SIGKILL), (3, signal.SIGTERM)):
        victim = shard(site, number)
        assert victim.pid is not None
        os.kill(victim.pid, by)
        killed[number] = victim.try_number
    site.wait_until(lambda: site.state("killable") in FINISHED)

    tries = {one.map_index + 1: one.try_number for one in site.tries("killable") if one.task_id == "export_shard"}
    assert site.state("killable") == "success"
    assert_same(published_rows(folder / "root" / "four"), world_rows(twilio))
    assert open_snapshot(str(folder / "root" / "four")).manifest.complete
    assert all(tries[number] > before for number, before in killed.items()), (tries, killed)
    assert twilio.counters().requests < 1.6 * USERS, "what was read before the kill is not read again"


def test_an_export_that_always_times_out_finishes_try_by_try(site: AirflowSite, twilio: RunningSimulator) -> None:
    folder = site.home.parent
    twilio.reset_counters()
    site.trigger("hurried")
    site.wait_until(lambda: site.state("hurried") in FINISHED)

    (task,) = site.tries("hurried")
    manifest = open_snapshot(str(folder / "root" / "hurried")).manifest
    assert task.try_number >= manifest.starts > 1, "a try on a busy machine may end before its export has started"
    assert_same(published_rows(folder / "root" / "hurried"), world_rows(twilio))
    assert manifest.users.read == USERS
    assert twilio.counters().requests < 1.5 * USERS, "what was read before is not read again"


def test_a_bulk_change_waits_for_an_approval_and_is_then_applied_and_verified(
    site: AirflowSite, twilio: RunningSimulator, tmp_path: Path
) -> None:
    lines = [line for line in mixed_lines(twilio, updates=20, removals=0) if "last_read_message_index" in line]
    with (tmp_path / "changes.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["user", "conversation", "last_read_message_index"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(lines)
    site.trigger("readstate_bulk", file=str(tmp_path / "changes.csv"), operation="update")
    waiting = {"deferred", "awaiting_input", "up_for_reschedule"}

    def states() -> dict[str, str | None]:
        return {one.task_id: one.state for one in site.tries("readstate_bulk")}

    site.wait_until(lambda: states().get("approve") in waiting)
    before = states()
    effects = twilio.effects()
    site.approve("readstate_bulk", "approve")
    site.wait_until(lambda: site.state("readstate_bulk") in FINISHED)

    assert (before["plan"], before["apply"], effects) == ("success", None, [])
    assert site.state("readstate_bulk") == "success"
    assert len(twilio.effects()) == len(lines) > 0
    assert site.xcom("readstate_bulk", "apply")["counts"]["applied"] == len(lines)
