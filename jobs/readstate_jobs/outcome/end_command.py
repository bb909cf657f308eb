"""Runs the command that a person wants to be run at the end of another, and tells it how that ended."""

import json
import os
import signal
import subprocess
from collections.abc import Collection
from contextlib import suppress

from readstate.text import truncate
from readstate_jobs.outcome.outcome import Outcome

MOST_SECONDS = 30.0
_LONGEST_VALUE = 1000
_SECRETS = {"TWILIO_AUTH_TOKEN", "TWILIO_API_SECRET"}


def run_end_command(command: str, outcome: Outcome, secrets: Collection[str] = ()) -> str | None:
    """Run *command* in a shell, with *outcome* as ``ON_END_…`` in its environment and as JSON on its stdin.

    What it prints goes to stderr, for stdout is the result's; it gets no secret of Twilio, nor any of *secrets*. Return
    what went wrong, if anything, after `MOST_SECONDS` at the latest: then it is killed, with all that it has started.
    """
    document = outcome.document()
    # A profile may have named the variable of its secret otherwise.
    environment = {name: value for name, value in os.environ.items() if name not in _SECRETS and value not in secrets}
    environment |= {
        f"ON_END_{name.upper()}": "" if value is None else truncate(str(value).replace("\0", ""), _LONGEST_VALUE)
        for name, value in document.items()
    }
    try:
        process = subprocess.Popen(  # noqa: S603 - a shell is what is asked for
            ["/bin/sh", "-c", command], stdin=subprocess.PIPE, stdout=2, env=environment, start_new_session=True
        )
    except (OSError, ValueError) as error:
        return f"--on-end: the command could not be started: {error}"
    try:
        process.communicate(json.dumps(document).encode(), timeout=MOST_SECONDS)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return f"--on-end: the command took longer than {MOST_SECONDS:.0f} s and was killed"
    return None if process.returncode == 0 else f"--on-end: the command ended with {process.returncode}"
