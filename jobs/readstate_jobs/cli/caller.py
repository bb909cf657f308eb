"""The caller: who runs a command, where and with which key, for plans and journals."""

import os
import pwd
import socket
import sys
from typing import Any

from readstate import __version__
from readstate.changes.planning.make_plan import Provenance
from readstate.model.plan import InputFacts, Planner
from readstate.settings.credentials import Credentials
from readstate.text import as_unicode

_CI_URLS = ("CI_JOB_URL", "BUILD_URL", "CIRCLE_BUILD_URL", "BUILDKITE_BUILD_URL")


def os_user() -> str:
    """Return the operating system's name for this user, or the number of a user without one."""
    # Not getpass.getuser(): it believes environment variables, which can name anyone.
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def ci_url() -> str | None:
    """Return the address of this CI job's log, where the build service provides it."""
    server, repository, run_id = (os.environ.get(f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    if server and repository and run_id:
        return f"{server}/{repository}/actions/runs/{run_id}"
    return next((url for name in _CI_URLS if (url := os.environ.get(name))), None)


def caller() -> dict[str, Any]:
    """Return what identifies the person or the schedule behind a run."""
    return {
        "os_user": os_user(),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "ci_url": ci_url(),
        "airflow_run_id": os.environ.get("AIRFLOW_CTX_DAG_RUN_ID"),
        "argv": list(map(as_unicode, sys.argv[1:])),
    }


def lock_holder() -> dict[str, Any]:
    """Return what a lock file says about the process that holds it."""
    return {name: value for name, value in caller().items() if name in {"os_user", "host", "pid"}}


def provenance(
    credentials: Credentials, *, via: str, input_facts: InputFacts, options: dict[str, Any] | None = None
) -> Provenance:
    """Return who makes a plan, with which tool and key, from what."""
    return Provenance(
        planner=Planner(os_user=os_user(), host=socket.gethostname(), ci_url=ci_url()),
        tool_version=__version__,
        api_key_sid_suffix=credentials.key_suffix,
        via=via,
        input=input_facts,
        options=options or {},
    )
