"""What the tests of ``readstate export`` type, and where it leaves its files."""

from pathlib import Path
from typing import Any

from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from readstate.simulator.server.server import RunningSimulator

DAY = ["--date", "2024-11-23"]
EXPORT = ["export", "--out", "root", *DAY]
ROOT = Path("root")
WORK = Path("home/.local/state/readstate")

RUN = ["--run", "nightly"]
SHARD = ["export", "--out", "root", *RUN, "--shard"]
PUBLISH = ["publish", "root", *RUN]


def make_long_lists_fail(twilio: RunningSimulator) -> None:
    """Let every list of more than a page lead back to itself: users with more than 50 conversations cannot be read."""
    twilio.faults = replace(twilio.faults, page_loop_share=1.0)


def families(path: Path) -> dict[str, Any]:
    return {family.name: family for family in text_string_to_metric_families(path.read_text())}


def sample(path: Path, name: str, **labels: str) -> float:
    """The one value of the metric *name* with *labels*."""
    found = [
        one.value
        for family in families(path).values()
        for one in family.samples
        if one.name == name and labels.items() <= one.labels.items()
    ]
    (value,) = found
    return float(value)
