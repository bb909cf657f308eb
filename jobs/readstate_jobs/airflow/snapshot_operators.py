"""The operators that read Twilio, or what was published: none of them can write to Twilio."""

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException, Context

from readstate.errors import ExitCode
from readstate_jobs.airflow.base_operator import ReadstateOperator
from readstate_jobs.airflow.hook import TwilioConversationsHook
from readstate_jobs.airflow.lineage import PublishedDataset, lineage_of
from readstate_jobs.airflow.parent_process import Ending

SECONDS_TO_END = "2s"
"""For what is in flight; the rest of the time that Airflow gives is for saving."""


class ExportSnapshotOperator(ReadstateOperator):
    """Publishes who has read what below *root*; with *shard* and *run* stages one share of it.

    *date* is the day in UTC on which the DAG's run fell due, unless given. A try after a kill goes on where the last
    one was, as long as it finds *work_dir*.
    """

    template_fields: Sequence[str] = (
        *ReadstateOperator.template_fields, "root", "date", "users_file", "shard", "run",
    )  # fmt: skip

    def __init__(
        self,
        *,
        root: str,
        date: str | None = None,
        services: Sequence[str] = (),
        users_file: str | None = None,
        shard: str | None = None,
        run: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(**more)
        self.root, self.date = root, date
        self.services, self.users_file = services, users_file
        self.shard, self.run = shard, run
        self._published: PublishedDataset | None = None

    def command(self, context: Context) -> list[str]:
        """``readstate export``."""
        words = ["export", "--out", self.root, "--date", self.date or due_day(context), "--grace", SECONDS_TO_END]
        assert self.twilio_conn_id is not None, "an export needs a connection"
        of_connection = TwilioConversationsHook(self.twilio_conn_id).service_sid()
        for service in self.services or filter(None, [of_connection]):
            words += ["--service", service]
        for option, value in (("--users", self.users_file), ("--shard", self.shard), ("--run", self.run)):
            words += [] if value is None else [option, value]
        return [*words, *self.options, "--json"]

    def code(self, ending: Ending) -> int:
        """An incomplete snapshot stays one when a second try finds it published."""
        is_incomplete = self.shard is None and ending.document.get("manifest", {}).get("complete") is False
        return ExitCode.SOME_FAILED if ending.code == ExitCode.DONE and is_incomplete else ending.code

    def answer(self, ending: Ending, context: Context) -> dict[str, Any]:
        """The manifest's path and counters."""
        if self.shard is not None:
            return {"root": self.root, "run": self.run, "shard": self.shard}
        published = snapshot_facts(ending.document)
        self._published = PublishedDataset.of(published)
        self._tell_outlets(context, asset_uri(self.root), published)
        return published

    def get_openlineage_facets_on_complete(self, _task_instance: Any) -> Any:
        """The published dataset with its schema, rows and bytes; asked by Airflow's OpenLineage provider."""
        return lineage_of(self._published)


class PublishSnapshotOperator(ReadstateOperator):
    """Publishes what the shards of *run* have staged below *root*: all of them, or nothing."""

    template_fields: Sequence[str] = (*ReadstateOperator.template_fields, "root", "run")

    def __init__(self, *, root: str, run: str, twilio_conn_id: str | None = None, **more: Any) -> None:
        super().__init__(twilio_conn_id=twilio_conn_id, **more)
        self.root, self.run = root, run
        self._published: PublishedDataset | None = None

    def command(self, context: Context) -> list[str]:
        """``readstate publish``."""
        return ["publish", self.root, "--run", self.run, *self.options, "--json"]

    def answer(self, ending: Ending, context: Context) -> dict[str, Any]:
        """The manifest's path and counters."""
        published = snapshot_facts(ending.document)
        self._published = PublishedDataset.of(published)
        self._tell_outlets(context, asset_uri(self.root), published)
        return published

    def get_openlineage_facets_on_complete(self, _task_instance: Any) -> Any:
        """The published dataset with its schema, rows and bytes; asked by Airflow's OpenLineage provider."""
        return lineage_of(self._published)


class CheckSnapshotOperator(ReadstateOperator):
    """Fails where the snapshot of *date* below *root* is missing or incomplete; *verify* reads every file again."""

    template_fields: Sequence[str] = (*ReadstateOperator.template_fields, "root", "date")

    def __init__(
        self,
        *,
        root: str,
        date: str | None = None,
        verify: bool = False,
        twilio_conn_id: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(twilio_conn_id=twilio_conn_id, **more)
        self.root, self.date, self.verify = root, date, verify

    def command(self, context: Context) -> list[str]:
        """``readstate snapshots``."""
        return ["snapshots", self.root, *(["--verify"] if self.verify else []), *self.options, "--json"]

    def answer(self, ending: Ending, context: Context) -> dict[str, Any]:
        """What the list of snapshots says about that day."""
        day = self.date or due_day(context)
        found = [one for one in ending.document.get("snapshots", ()) if one["snapshot_date"] == day]
        if not found:
            raise AirflowFailException(f"{self.root}: there is no snapshot of {day}")
        if not found[0]["complete"]:
            raise AirflowFailException(
                f"{self.root}: the snapshot of {day} is incomplete; {self.root}/failures says why"
            )
        published = {"root": self.root, **{name: value for name, value in found[0].items() if name != "defects"}}
        self._tell_outlets(context, asset_uri(self.root), published)
        return published


class CompareSnapshotsOperator(ReadstateOperator):
    """Says what changed between the snapshots *earlier* and *date* below *root*.

    *date* is the day in UTC on which the DAG's run fell due, and *earlier* the snapshot before it, unless given; where
    there is none, the task is skipped.
    """

    template_fields: Sequence[str] = (*ReadstateOperator.template_fields, "root", "date", "earlier", "out")

    def __init__(
        self,
        *,
        root: str,
        date: str | None = None,
        earlier: str | None = None,
        out: str | None = None,
        twilio_conn_id: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(twilio_conn_id=twilio_conn_id, **more)
        self.root, self.date, self.earlier, self.out = root, date, earlier, out

    def command(self, context: Context) -> list[str]:
        """``readstate compare``."""
        day = self.date or due_day(context)
        out = [] if self.out is None else ["--out", self.out]
        return ["compare", self.root, self.earlier or self._before(day), day, *out, *self.options, "--json"]

    def answer(self, ending: Ending, context: Context) -> dict[str, Any]:
        """The counters, and the change feed's path."""
        return {name: value for name, value in ending.document.items() if name != "fields_left_out"}

    def _before(self, day: str) -> str:
        listed = self.run_readstate(["snapshots", self.root, "--json"]).document.get("snapshots", ())
        earlier = [one["snapshot_date"] for one in listed if one["snapshot_date"] < day]
        if not earlier:
            raise AirflowSkipException(f"{self.root}: there is no snapshot before {day} to compare with")
        return str(max(earlier))


def due_day(context: Context) -> str:
    """Return the day in UTC on which the DAG's run fell due: the same for each of its tries."""
    # Not the logical date: a run that was started by hand has none.
    return str(context["dag_run"].run_after.strftime("%Y-%m-%d"))


def asset_uri(root: str) -> str:
    """How the snapshots below *root* are called among Airflow's assets."""
    path = f"{root.rstrip('/')}/user_conversations"
    return path if "://" in root else PurePath("/", path).as_uri()


def snapshot_facts(document: Any) -> dict[str, Any]:
    """What other tasks may want to know of a published snapshot."""
    manifest = document["manifest"]
    return {
        "root": document["root"],
        "manifest_path": document["manifest_path"],
        "already_published": document.get("already_published", False),
        **{name: manifest[name] for name in ("snapshot_date", "run_id", "complete", "users", "rows", "requests")},
        "files": len(manifest["files"]),
        "bytes": sum(file["bytes"] for file in manifest["files"]),
    }
