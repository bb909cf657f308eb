"""Any readstate command as a task; `readstate_jobs.airflow.operators` has the ones with names."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    Asset,
    AssetAlias,
    BaseOperator,
    Context,
)

from readstate.errors import ExitCode
from readstate_jobs.airflow.environment import without_others
from readstate_jobs.airflow.exit_codes import Reaction, reaction_to
from readstate_jobs.airflow.hook import TwilioConversationsHook
from readstate_jobs.airflow.parent_process import Ending, ReadstateProcess


class ReadstateOperator(BaseOperator):
    """Runs ``readstate`` with *words* in a process of its own, and pushes what it printed with ``--json``.

    *twilio_conn_id* is None for a command that asks Twilio nothing. *work_dir* has to be a path that every worker sees:
    the next try of a task goes on with what it finds there. Exit codes 3, 4 and 5 mean what *when_some_failed*,
    *when_drifted* and *when_unknown* say; of the others, bad input and refused guards fail at once, budgets, locks,
    outages and kills are tried again.
    """

    template_fields: Sequence[str] = ("words", "options", "twilio_conn_id", "work_dir", "env")
    ui_color: ClassVar[str] = "#f9e0e6"

    def __init__(
        self,
        *,
        words: Sequence[str] = (),
        options: Sequence[str] = (),
        twilio_conn_id: str | None = TwilioConversationsHook.default_conn_name,
        work_dir: str | None = None,
        env: Mapping[str, str] | None = None,
        when_some_failed: Reaction = "fail",
        when_drifted: Reaction = "succeed",
        when_unknown: Reaction = "fail",
        **more: Any,
    ) -> None:
        super().__init__(**more)
        self.words, self.options = words, options
        self.twilio_conn_id = twilio_conn_id
        self.work_dir = work_dir
        self.env = env
        self.when_some_failed = when_some_failed
        self.when_drifted = when_drifted
        self.when_unknown = when_unknown
        self._process: ReadstateProcess | None = None
        self._is_killed = False

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the command and give what it came to, small enough for an XCom."""
        return self.answer(self.run_readstate(self.command(context)), context)

    def command(self, context: Context) -> list[str]:
        """The words behind ``readstate``."""
        return [*self.words, *self.options]

    def answer(self, ending: Ending, context: Context) -> dict[str, Any]:
        """What other tasks may want to know: paths and counters, never rows."""
        return dict(ending.document)

    def code(self, ending: Ending) -> int:
        """The exit code to react to."""
        return ending.code

    def run_readstate(self, words: Sequence[str]) -> Ending:
        """Run one command to its end, or raise what makes Airflow do the right thing."""
        self.log.info("readstate %s", " ".join(words))
        self._process = ReadstateProcess(words, self._environment())
        if self._is_killed:  # before there was a process to be told
            self._process.stop()
        ending = self._process.follow(self.log.info)
        if ending.was_stopped:
            # Airflow 3 does not interrupt us: whoever returned here would have succeeded.
            raise AirflowException("stopped; what was done is kept, and the next try goes on with it")
        self._react(ending)
        return ending

    def on_kill(self) -> None:
        """Let the command save what it has; called in a signal handler, also before it begins or after it ended."""
        self._is_killed = True
        if self._process is not None:
            self._process.stop()

    def _environment(self) -> dict[str, str]:
        own = without_others(os.environ)
        if self.twilio_conn_id is not None:
            own = TwilioConversationsHook(self.twilio_conn_id).environment()
        if self.work_dir is not None:
            own["READSTATE_WORK_DIR"] = self.work_dir
        return own | dict(self.env or {})

    def _react(self, ending: Ending) -> None:
        chosen: dict[int, Reaction] = {
            ExitCode.SOME_FAILED: self.when_some_failed,
            ExitCode.SOME_DRIFTED: self.when_drifted,
            ExitCode.SOME_UNKNOWN: self.when_unknown,
        }
        code = self.code(ending)
        told = "\n".join([f"readstate ended with exit code {code}", *ending.last_lines])
        match reaction_to(code, chosen):
            case "fail":
                raise AirflowFailException(told)
            case "retry":
                raise AirflowException(told)
            case "succeed":
                if code in chosen:
                    self.log.warning("%s", told)

    def _tell_outlets(self, context: Context, uri: str, facts: Mapping[str, Any]) -> None:
        """Note *facts* at the assets that this task publishes; an alias gets the asset *uri*."""
        for outlet in self.outlets or ():
            if isinstance(outlet, AssetAlias):
                context["outlet_events"][outlet].add(Asset(uri), extra=dict(facts))
            elif isinstance(outlet, Asset):
                context["outlet_events"][outlet].extra = dict(facts)
