"""Types the console blocks of a page into a shell of its own, and leaves nothing of it behind."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

LONGEST_SECONDS = 300
_PORT = "8123"
_LISTENING = """
for _ in $(seq 300); do (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null && break; kill -0 $! 2>/dev/null || break
sleep 0.1; done"""
_ALIVE = "kill -0 $! 2>/dev/null || { echo '--- died'; exit 1; }"
"""Whatever was started last in the background: every later line would wait for it in vain."""


@dataclass
class Example:
    """One line after a `$`, what the page shows of its output, and what really came."""

    typed: str
    shown: list[str] = field(default_factory=list)
    output: str = ""

    @property
    def is_background(self) -> bool:
        return self.typed.endswith("&")

    @property
    def printed(self) -> list[str]:
        """The lines of the output without log lines, in whose place a terminal has a progress bar, and empty ends."""
        text = re.sub(r"^[-\d]+ [:\d]+Z .*\n|^--- code \d+\n", "", self.output, flags=re.MULTILINE)
        return text.strip("\n").splitlines()

    @property
    def failed(self) -> bool:
        return not self.is_background and "--- code 0" not in self.output


def examples_of(page: str) -> list[Example]:
    """The examples of *page*, not typed yet."""
    examples: list[Example] = []
    for line in "".join(re.findall(r"```console\n(.*?)```", page, re.DOTALL)).splitlines():
        if line.startswith("$ "):
            examples.append(Example(line[2:]))
        else:
            examples[-1].shown.append(line)
    return examples


def type_examples(page: str, folder: Path) -> list[Example]:
    """Type the examples of *page* one after the other in *folder*, the simulator's port replaced by a free one.

    Fails where what runs in the background has died, or where all of it takes too long.
    """
    port, written = _free_port(), folder.with_suffix(".output")
    examples = examples_of(page.replace(_PORT, str(port)))
    with shell("\n".join(_script(examples, port, written)), folder) as process:
        process.wait(timeout=LONGEST_SECONDS)
    output = written.read_text(encoding="utf-8")
    assert "--- died" not in output, f"the simulator died:\n{output}"
    outputs = re.split(r"^--- \d+$", output, flags=re.MULTILINE)[1:]
    for example, came in zip(examples, outputs, strict=True):
        example.output = came
    return examples


@contextmanager
def shell(script: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run *script* in bash for as long as the block lasts; then nothing that it started is left."""
    bash = shutil.which("bash")
    assert bash is not None
    process = subprocess.Popen(
        [bash, "-c", script],
        cwd=folder,
        env={
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "COLUMNS": "200",
            "LANG": "C.UTF-8",
            "READSTATE_MAX_OUTAGE": "5s",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _script(examples: list[Example], port: int, written: Path) -> Iterator[str]:
    # Into a file: a pipe would be held open by what runs in the background.
    yield f"exec >{shlex.quote(str(written))} 2>&1"
    yield "set -u"
    for number, example in enumerate(examples):
        yield f"echo '--- {number}'; {example.typed}"
        yield _LISTENING.format(port=port) if example.is_background else 'echo "--- code $?"'
        yield _ALIVE if any(earlier.is_background for earlier in examples[: number + 1]) else ":"


def _free_port() -> int:
    """A port of our own: other processes may run the examples at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
