"""The connection to Twilio as Airflow keeps it."""

import os
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException, BaseHook, mask_secret

from readstate_jobs.airflow.environment import to_environment, without_others
from readstate_jobs.airflow.parent_process import ReadstateProcess
from readstate_jobs.airflow.provider import CONNECTION_TYPE

_ABOUT_THIS_MACHINE = {"work folder"}
"""The connection is tested where the form is shown, and used elsewhere."""


class TwilioConversationsHook(BaseHook):
    """Gives a connection of type ``twilio_conversations`` to readstate, in the environment of its process."""

    conn_name_attr = "twilio_conn_id"
    default_conn_name = "twilio_conversations_default"
    conn_type = CONNECTION_TYPE
    hook_name = "Twilio Conversations"

    def __init__(self, twilio_conn_id: str = default_conn_name, **more: Any) -> None:
        super().__init__(**more)
        self.twilio_conn_id = twilio_conn_id

    def environment(self) -> dict[str, str]:
        """The variables of a readstate process: this worker's, and the connection's instead of any other account's.

        Raises `AirflowFailException` where the connection lacks something.
        """
        try:
            return self._environment()
        except ValueError as error:
            raise AirflowFailException(f"connection {self.twilio_conn_id}: {error}") from None

    def service_sid(self) -> str | None:
        """The service that the connection names."""
        return self.get_connection(self.twilio_conn_id).extra_dejson.get("service_sid") or None

    def test_connection(self) -> tuple[bool, str]:
        """Ask Twilio who we are, as ``readstate doctor`` does."""
        try:
            environ = self._environment()
        except ValueError as error:
            # Airflow 2 tests a copy, under a name that nobody gave it and without the secret that was saved.
            has_secret = bool(self.get_connection(self.twilio_conn_id).password)
            again = "" if has_secret else "; a form that was opened again does not hold it: type it once more"
            return False, f"{error}{again}"
        ending = ReadstateProcess(["doctor", "--json"], environ).follow(self.log.info)
        findings = [one for one in ending.document.get("findings", ()) if one["subject"] not in _ABOUT_THIS_MACHINE]
        if not findings:
            return False, "\n".join(ending.last_lines)
        bad = [one for one in findings if not one["good"]]
        return not bad, "; ".join(
            " ".join(filter(None, (f"{one['subject']}: {one['text']}.", one["hint"]))) for one in bad or findings
        )

    def _environment(self) -> dict[str, str]:
        connection = self.get_connection(self.twilio_conn_id)
        if connection.password:
            mask_secret(connection.password)
        own = to_environment(login=connection.login, password=connection.password, extra=connection.extra_dejson)
        return without_others(os.environ) | own
