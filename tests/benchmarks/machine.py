"""What the figures were measured on."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("aiohttp", "pycurl", "uvloop", "pyarrow", "pandas", "msgspec", "twilio", "dlt", "orjson", "requests")


def machine() -> str:
    """The processor, its cores, memory, kernel, Python, and how busy it is."""
    processor = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "unknown"
    )
    memory = int(next(line for line in _lines("/proc/meminfo") if line.startswith("MemTotal")).split()[1]) / 1024**2
    return (
        f"{processor}, {os.cpu_count()} cores, {memory:.0f} GB; {platform.system()} {platform.release()};"
        f" {platform.python_implementation()} {platform.python_version()}"
    )


def versions() -> str:
    """The packages that matter here, as far as they are installed."""
    return ", ".join(f"{name} {_version(name)}" for name in _PACKAGES)


def load() -> float:
    """Return how many processes wanted a core in the last minute."""
    return round(os.getloadavg()[0], 1)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
