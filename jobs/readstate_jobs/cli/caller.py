"""Who runs this, and where, for plans, approvals and journals."""

import os
import pwd
import socket
import sys
from typing import Any

_CI_URLS = ("CI_JOB_URL", "BUILD_URL", "CIRCLE_BUILD_URL", "BUILDKITE_BUILD_URL")


def os_user() -> str:
    """The name of the operating system's user, by its number: a variable of the environment could name anybody."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user has no name
        return str(os.getuid())


def ci_url() -> str | None:
    """Where the log of this job can be seen, on the build services that tell."""
    server, repository, run_id = (os.environ.get(f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    if server and repository and run_id:
        return f"{server}/{repository}/actions/runs/{run_id}"
    return next((url for name in _CI_URLS if (url := os.environ.get(name))), None)


def who() -> dict[str, Any]:
    """Everything that helps to find the person or the schedule behind a run."""
    return {
        "os_user": os_user(),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "ci_url": ci_url(),
        "airflow_run_id": os.environ.get("AIRFLOW_CTX_DAG_RUN_ID"),
        "argv": sys.argv[1:],
    }
