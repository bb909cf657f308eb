"""What the simulator had answered, and how much memory a process had, at each moment of a run."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.measured import tell


class Watched:
    """Series with an entry for each look; counts, since this was made, what is answered at paths that end in *path*."""

    def __init__(self, base_url: str, looks_a_second: float, path: str = "") -> None:
        self._base_url, self._pause, self._path = base_url, 1 / looks_a_second, path
        self.times: list[float] = []
        self.answers: list[int] = []
        self.resident_megabytes: list[float] = []
        self.refusals = 0
        tell(base_url, "counters", "DELETE")

    @contextmanager
    def looking_at(self, pid: int) -> Iterator[None]:
        """Look while the block runs, and once more at its end."""
        done = threading.Event()

        def look_often() -> None:
            while not done.wait(self._pause):
                self._look(pid)
            self._look(pid)

        thread = threading.Thread(target=look_often)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def seconds(self) -> float:
        """Return the time from the first answer to the last."""
        first, last = (
            next(at for at, count in zip(self.times, self.answers, strict=True) if count >= wanted)
            for wanted in (1, self.answers[-1])
        )
        return last - first

    def _look(self, pid: int) -> None:
        counters = tell(self._base_url, "counters")
        self.times.append(time.monotonic())
        good = [each for each in counters["answers"] if each["status"] == 200 and each["path"].endswith(self._path)]
        self.answers.append(sum(each["count"] for each in good))
        self.refusals = sum(counters["refusals"].values())
        # A process that has ended has no such line.
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        kilobytes = next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)
        self.resident_megabytes.append(kilobytes / 1024)
