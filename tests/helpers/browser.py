"""Opens pages in a real browser without a screen, where there is one, and tells what they did."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_NOT_A_PAGE = "not an origin"

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")


class Seen(NamedTuple):
    """What became of a page."""

    dom: str
    console: str
    """Every line that the page wrote there, or the browser about it."""
    asked: set[str]
    """The addresses that the page (not the browser itself) asked for, besides its own file."""


def browse(html: str, folder: Path) -> Seen:
    """Open *html* from disk."""
    page, log = folder / "page.html", folder / "net.json"
    page.write_text(html, encoding="utf-8")
    run = subprocess.run(
        [
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
            "--enable-logging=stderr", "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder / 'profile'}",
            f"--log-net-log={log}", "--dump-dom", str(page),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )  # fmt: skip
    logged = [event.get("params", {}) for event in json.loads(log.read_text(encoding="utf-8"))["events"]]
    asked = {str(one["url"]) for one in logged if "url" in one and one.get("initiator", _NOT_A_PAGE) != _NOT_A_PAGE}
    console = "\n".join(line for line in run.stderr.splitlines() if "CONSOLE" in line)
    return Seen(run.stdout, console, {url for url in asked if not url.startswith(("file:", "data:"))})
