"""Any readstate command as a task; the operators with names are in `readstate_jobs.airflow.operators`."""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from airflow.sdk import Asset, AssetAlias, BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from readstate.errors import ExitCode
from readstate_jobs.airflow.hook import TwilioConversationsHook
from readstate_jobs.airflow.process.environment import without_worker_secrets
from readstate_jobs.airflow.process.exit_codes import Reaction, reaction_to
from readstate_jobs.airflow.process.parent_process import CommandResult, ReadstateProcess
from readstate_jobs.airflow.web_address import web_address


class ReadstateOperator(BaseOperator):
    """Run ``readstate`` with *words* in a child process, and push the document that it prints with ``--json``.

    *twilio_conn_id* is None for a command that sends Twilio nothing. *work_dir* has to be a path that every worker
    sees: the next try of a task resumes what it finds there. *web_addresses* maps folders and buckets to the web
    servers that show them, as a mapping or as JSON, for the links to reports and plans. Exit codes 3, 4 and 5 mean
    what *when_some_failed*, *when_drifted* and *when_unknown* say; `readstate_jobs.airflow.process.exit_codes` decides
    about the others.
    """

    template_fields: Sequence[str] = ("words", "options", "twilio_conn_id", "work_dir", "env", "web_addresses")
    ui_color: ClassVar[str] = "#f9e0e6"

    def __init__(
        self,
        *,
        words: Sequence[str] = (),
        options: Sequence[str] = (),
        twilio_conn_id: str | None = TwilioConversationsHook.default_conn_name,
        work_dir: str | None = None,
        env: Mapping[str, str] | None = None,
        web_addresses: Mapping[str, str] | str | None = None,
        when_some_failed: Reaction = "fail",
        when_drifted: Reaction = "succeed",
        when_unknown: Reaction = "fail",
        **more: Any,
    ) -> None:
        super().__init__(**more)
        self.words, self.options = words, options
        self.twilio_conn_id, self.work_dir, self.env = twilio_conn_id, work_dir, env
        self.web_addresses = web_addresses
        self.page_address: str | None = None
        self.reactions: dict[int, Reaction] = {
            ExitCode.SOME_FAILED: when_some_failed,
            ExitCode.SOME_DRIFTED: when_drifted,
            ExitCode.SOME_UNKNOWN: when_unknown,
        }
        self._process: ReadstateProcess | None = None
        self._is_killed = False

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the command and return its XCom."""
        return self.to_xcom(self.run_readstate(self.arguments(context)), context)

    def arguments(self, context: Context) -> list[str]:
        """Return the command line behind ``readstate``."""
        return [*self.words, *self.options]

    def to_xcom(self, result: CommandResult, context: Context) -> dict[str, Any]:
        """Return what other tasks may need: paths and counters, never rows."""
        return dict(result.document)

    def exit_code(self, result: CommandResult) -> int:
        """Return the exit code that decides about the task."""
        return result.exit_code

    def run_readstate(self, arguments: Sequence[str]) -> CommandResult:
        """Run one command to its end; raise the exception that makes Airflow fail or retry the task."""
        self.log.info("readstate %s", " ".join(arguments))
        self._process = ReadstateProcess(arguments, self._environment())
        if self._is_killed:  # the signal came before there was a process to stop
            self._process.stop()
        result = self._process.run(self._log_message)
        if result.was_stopped:
            # Airflow does not interrupt `execute` after `on_kill`: a task that returns here would succeed.
            raise AirflowException("stopped; what was done is kept, and the next try resumes it")
        self._raise_for_exit_code(result)
        return result

    def on_kill(self) -> None:
        """Make the command save and end. Airflow calls this in a signal handler, at any time."""
        self._is_killed = True
        if self._process is not None:
            self._process.stop()

    def _log_message(self, level: int, message: str) -> None:
        self.log.log(level, "%s", message)

    def _link_page(self, place: str) -> str | None:
        """Return the address that the task's link leads to: that of the page *place*, where one is known."""
        known = self.web_addresses or {}
        self.page_address = web_address(place, json.loads(known) if isinstance(known, str) else known)
        return self.page_address

    def _environment(self) -> dict[str, str]:
        environ = without_worker_secrets(os.environ)
        if self.twilio_conn_id is not None:
            environ = TwilioConversationsHook(self.twilio_conn_id).environment()
        if self.work_dir is not None:
            environ["READSTATE_WORK_DIR"] = self.work_dir
        return environ | dict(self.env or {})

    def _raise_for_exit_code(self, result: CommandResult) -> None:
        code = self.exit_code(result)
        message = "\n".join([f"readstate ended with exit code {code}", *result.last_lines])
        match reaction_to(code, self.reactions):
            case "fail":
                raise AirflowFailException(message)
            case "retry":
                raise AirflowException(message)
            case "succeed":
                if code in self.reactions:
                    self.log.warning("%s", message)

    def _add_asset_events(self, context: Context, uri: str, facts: Mapping[str, Any]) -> None:
        """Attach *facts* to the assets that this task publishes; an alias becomes the asset *uri*."""
        for outlet in self.outlets or ():
            if isinstance(outlet, AssetAlias):
                context["outlet_events"][outlet].add(Asset(uri), extra=dict(facts))
            elif isinstance(outlet, Asset):
                context["outlet_events"][outlet].extra = dict(facts)


def option(name: str, value: int | str | None) -> list[str]:
    """Return the words of an option, or none where it has no value: None, or the empty text of a template."""
    return [] if value in {None, ""} else [name, str(value)]
