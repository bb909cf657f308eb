"""The operators that read Twilio or published snapshots: none of them can write to Twilio."""

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from readstate.errors import ExitCode
from readstate_jobs.airflow.base_operator import ReadstateOperator, option
from readstate_jobs.airflow.hook import TwilioConversationsHook
from readstate_jobs.airflow.lineage import asset_uri, lineage_of
from readstate_jobs.airflow.process.parent_process import CommandResult

GRACE = "2s"
"""For requests in flight; the rest of the five seconds that Airflow gives a killed task is for saving."""


class _PublishingOperator(ReadstateOperator):
    """A task after which a snapshot below *root* may be published."""

    template_fields: Sequence[str] = (*ReadstateOperator.template_fields, "root", "run")

    def __init__(self, *, root: str, run: str | None = None, **more: Any) -> None:
        super().__init__(**more)
        self.root, self.run = root, run
        self._published: dict[str, Any] | None = None

    def to_xcom(self, result: CommandResult, context: Context) -> dict[str, Any]:
        """Return the manifest's path and counters."""
        self._published = snapshot_facts(result.document)
        self._add_asset_events(context, asset_uri(self.root), self._published)
        return self._published

    def get_openlineage_facets_on_complete(self, _task_instance: Any) -> Any:
        """Return the published dataset; called by Airflow's OpenLineage provider."""
        return None if self._published is None else lineage_of(self._published)


class ExportSnapshotOperator(_PublishingOperator):
    """Publish a snapshot below *root*; with *shard* and *run* stage one share of it.

    *date* is the day in UTC on which the DAG's run fell due, unless given. *services* are a list, or a text with
    commas, such as a template gives. A try after a kill resumes the last one, as long as it finds *work_dir*.
    """

    template_fields: Sequence[str] = (*_PublishingOperator.template_fields, "date", "services", "users_file", "shard")

    def __init__(
        self,
        *,
        date: str | None = None,
        services: Sequence[str] | str = (),
        users_file: str | None = None,
        shard: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(**more)
        self.date, self.services, self.users_file, self.shard = date, services, users_file, shard

    def arguments(self, context: Context) -> list[str]:
        """Return ``export`` and its options."""
        assert self.twilio_conn_id is not None, "an export needs a connection"
        of_connection = TwilioConversationsHook(self.twilio_conn_id).service_sid()
        chosen = self.services.replace(",", " ").split() if isinstance(self.services, str) else self.services
        services = chosen or filter(None, [of_connection])
        return [
            "export", "--out", self.root, "--date", self.date or due_day(context), "--grace", GRACE,
            *(word for service in services for word in ("--service", service)),
            *option("--users", self.users_file), *option("--shard", self.shard), *option("--run", self.run),
            *self.options, "--json",
        ]  # fmt: skip

    def exit_code(self, result: CommandResult) -> int:
        """Return 3 for an incomplete snapshot, also where the second try finds it published and ends with 0."""
        is_incomplete = self.shard is None and result.document.get("manifest", {}).get("complete") is False
        return ExitCode.SOME_FAILED if result.exit_code == ExitCode.DONE and is_incomplete else result.exit_code

    def to_xcom(self, result: CommandResult, context: Context) -> dict[str, Any]:
        """Return the manifest's path and counters; of a shard, which one was staged."""
        if self.shard is None:
            return super().to_xcom(result, context)
        return {"root": self.root, "run": self.run, "shard": self.shard}


class PublishSnapshotOperator(_PublishingOperator):
    """Publish what the shards of *run* have staged below *root*: all of them, or nothing."""

    def __init__(self, *, run: str, twilio_conn_id: str | None = None, **more: Any) -> None:
        super().__init__(run=run, twilio_conn_id=twilio_conn_id, **more)

    def arguments(self, context: Context) -> list[str]:
        """Return ``publish`` and its options."""
        return ["publish", self.root, *option("--run", self.run), *self.options, "--json"]


class _PublishedOperator(ReadstateOperator):
    """A task about the snapshot of *date* below *root*; it sends Twilio nothing."""

    template_fields: Sequence[str] = (*ReadstateOperator.template_fields, "root", "date")

    def __init__(self, *, root: str, date: str | None = None, twilio_conn_id: str | None = None, **more: Any) -> None:
        super().__init__(twilio_conn_id=twilio_conn_id, **more)
        self.root, self.date = root, date


class CheckSnapshotOperator(_PublishedOperator):
    """Fail where the snapshot of *date* below *root* is missing or incomplete; *verify* reads every file again."""

    def __init__(self, *, verify: bool = False, **more: Any) -> None:
        super().__init__(**more)
        self.verify = verify

    def arguments(self, context: Context) -> list[str]:
        """Return ``snapshots`` and its options."""
        return ["snapshots", self.root, *(["--verify"] if self.verify else []), *self.options, "--json"]

    def to_xcom(self, result: CommandResult, context: Context) -> dict[str, Any]:
        """Return what the list of snapshots has about that day."""
        day = self.date or due_day(context)
        found = [one for one in result.document.get("snapshots", ()) if one["snapshot_date"] == day]
        if not found:
            raise AirflowFailException(f"{self.root}: there is no snapshot of {day}")
        if not found[0]["complete"]:
            raise AirflowFailException(f"{self.root}: the snapshot of {day} is incomplete; see {self.root}/failures")
        facts = {"root": self.root, **{name: value for name, value in found[0].items() if name != "defects"}}
        self._add_asset_events(context, asset_uri(self.root), facts)
        return facts


class CompareSnapshotsOperator(_PublishedOperator):
    """Compare the snapshots *earlier* and *date* below *root*.

    *earlier* is the snapshot before *date*, unless given; where there is none, the task is skipped.
    """

    template_fields: Sequence[str] = (*_PublishedOperator.template_fields, "earlier", "out")

    def __init__(self, *, earlier: str | None = None, out: str | None = None, **more: Any) -> None:
        super().__init__(**more)
        self.earlier, self.out = earlier, out

    def arguments(self, context: Context) -> list[str]:
        """Return ``compare`` and its options."""
        day = self.date or due_day(context)
        earlier = self.earlier or self._previous(day)
        return ["compare", self.root, earlier, day, *option("--out", self.out), *self.options, "--json"]

    def to_xcom(self, result: CommandResult, context: Context) -> dict[str, Any]:
        """Return the counters, and the change feed's path."""
        return {name: value for name, value in result.document.items() if name != "fields_left_out"}

    def _previous(self, day: str) -> str:
        snapshots = self.run_readstate(["snapshots", self.root, "--json"]).document.get("snapshots", ())
        earlier = [one["snapshot_date"] for one in snapshots if one["snapshot_date"] < day]
        if not earlier:
            raise AirflowSkipException(f"{self.root}: there is no snapshot before {day} to compare with")
        return str(max(earlier))


class PruneSnapshotsOperator(ReadstateOperator):
    """Remove all but the newest *keep* snapshots below *root*, or those older than *keep_days*, and what runs left.

    Where neither is given, nothing is removed and the task is skipped.
    """

    template_fields: Sequence[str] = (*ReadstateOperator.template_fields, "root", "keep", "keep_days")

    def __init__(
        self,
        *,
        root: str,
        keep: int | str | None = None,
        keep_days: int | str | None = None,
        twilio_conn_id: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(twilio_conn_id=twilio_conn_id, **more)
        self.root, self.keep, self.keep_days = root, keep, keep_days

    def arguments(self, context: Context) -> list[str]:
        """Return ``snapshots`` and its options."""
        rule = option("--keep", self.keep) + option("--keep-days", self.keep_days)
        if not rule:
            raise AirflowSkipException(f"{self.root}: neither keep nor keep_days is set, so every snapshot stays")
        return ["snapshots", self.root, *rule, "--yes", *self.options, "--json"]


def due_day(context: Context) -> str:
    """Return the day in UTC on which the DAG's run fell due: the same for each of its tries."""
    # Not the logical date: a run that was started by hand has none.
    return str(context["dag_run"].run_after.strftime("%Y-%m-%d"))


def snapshot_facts(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the path and the counters of the snapshot that ``export`` or ``publish`` has published."""
    manifest = document["manifest"]
    return {
        "root": document["root"],
        "manifest_path": document["manifest_path"],
        "already_published": document.get("already_published", False),
        **{name: manifest[name] for name in ("snapshot_date", "run_id", "complete", "users", "rows", "requests")},
        "files": len(manifest["files"]),
        "bytes": sum(file["bytes"] for file in manifest["files"]),
    }
