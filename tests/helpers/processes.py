"""Runs the real command in a real process, so that it can be killed."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from pipeline.simulator.server import RunningSimulator


def environment(twilio: RunningSimulator, folder: Path, **more: str) -> dict[str, str]:
    account = twilio.credentials
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TWILIO_ACCOUNT_SID": account.account_sid,
        "TWILIO_AUTH_TOKEN": account.auth_token,
        "READSTATE_BASE_URL": twilio.base_url,
        "READSTATE_WORK_DIR": str(folder / "work"),
        "COLUMNS": "200",
        **more,
    }


def start(arguments: list[str], env: dict[str, str], **kwargs: Any) -> subprocess.Popen[str]:
    """Start ``readstate`` with *arguments*."""
    return subprocess.Popen(
        [sys.executable, "-m", "jobs", *arguments],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        **kwargs,
    )


def finish(arguments: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run ``readstate`` with *arguments* to its end."""
    process = start(arguments, env)
    stdout, stderr = process.communicate(timeout=100)
    return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)
