"""The pace over real sockets, against the simulator, beside the official client at a concurrency tuned by hand.

    python -m tests.benchmarks.pacing [NAME …]        such as cap-100 outage

Prints for each scenario: goodput as a share of what production leaves over, and of what any client could reach at
0.5 % refused; the share of our requests that was refused; the share of production's that was; and what was given up.
"""

import json
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import fmean

from tests.benchmarks.measured import measure, simulator, tell
from tests.benchmarks.pacing.frontier import reachable

_WARM_UP = 3
_WORKERS = 400


@dataclass(frozen=True, slots=True)
class Scenario:
    """An account, and what becomes of it while time passes."""

    name: str
    seconds: int
    cap: int = 100
    rate: float | None = None
    retry_after: float | None = None
    production: float = 83.0
    service: float = 0.12
    round_trip: float = 0.012
    tuned_by_hand: int = 88
    """Requests in flight that suit the account as it is at first, with a tenth of it used by production."""
    changes: Mapping[int, Mapping[str, object]] = field(default_factory=dict)
    """By the second: fields of the simulator's faults."""

    def faults(self) -> dict[str, object]:
        return {
            "concurrency_cap": self.cap,
            "requests_per_second_cap": self.rate,
            "rate_code": 50074,
            "retry_after_seconds": self.retry_after,
            "background_requests_per_second": self.production,
            "latency_ms": self.service * 1000,
            "latency_sigma": 0.5,
            "rtt_ms": self.round_trip * 1000,
            "outage": "no",
        }

    def left_over(self, second: int) -> tuple[float, float]:
        """What production leaves to us in that second, and what is reachable of it."""
        faults = self.faults()
        for since, change in self.changes.items():
            if second >= since:
                faults |= change
        if faults["outage"] != "no":
            return 0.0, 0.0
        if self.rate is not None:
            return self.rate - self.production, self.rate - self.production
        cap = int(str(faults["concurrency_cap"]))
        most = reachable(cap, service=self.service, round_trip=self.round_trip, production=self.production)
        return cap / self.service - self.production, most


SCENARIOS = (
    Scenario("cap-100", 40),
    Scenario("cap-10", 60, cap=10, production=8.3, tuned_by_hand=6),
    Scenario("cap-100-40-100", 75, changes={25: {"concurrency_cap": 40}, 50: {"concurrency_cap": 100}}),
    Scenario("rate-300", 40, cap=1000, rate=300, production=30, tuned_by_hand=34),
    Scenario("rate-300-retry-after", 60, cap=1000, rate=300, production=30, retry_after=1, tuned_by_hand=34),
    Scenario("outage-60", 110, changes={25: {"outage": "503"}, 85: {"outage": "no"}}),
    # A smaller cap than elsewhere: 100 slots of 40 ms are more than one core of a test machine sends and answers.
    Scenario("far-rtt-90", 40, cap=30, production=75, service=0.04, round_trip=0.09, tuned_by_hand=57),
)


@dataclass(frozen=True, slots=True)
class Score:
    goodput: float
    of_reachable: float
    refused: float
    production_refused: float
    wasted: float
    given_up: int


def run(scenario: Scenario, client: str, workers: int) -> Score:
    with simulator("--users", "10") as environment:
        base_url = environment["BASE_URL"]
        tell(base_url, "faults", "PATCH", scenario.faults())
        tell(base_url, "counters", "DELETE")
        timers = [
            threading.Timer(second, tell, (base_url, "faults", "PATCH", change))
            for second, change in scenario.changes.items()
        ]
        for timer in timers:
            timer.start()
        load = ["-m", "tests.benchmarks.pacing.load", client, str(scenario.seconds), str(workers)]
        result = json.loads(measure(load, environment).stdout)
        background = tell(base_url, "counters")["background"]
    return _score(scenario, result, background)


def _score(scenario: Scenario, result: dict, background: dict[str, int]) -> Score:
    counts = {(second, kind): count for second, kind, count in result["seconds"]}
    steady = range(_WARM_UP, scenario.seconds - 1)
    accepted = sum(counts.get((second, "accepted"), 0) for second in steady)
    totals = {
        kind: sum(count for (_, found), count in counts.items() if found == kind)
        for kind in ("accepted", "refused", "failed")
    }
    return Score(
        goodput=accepted / len(steady) / fmean(scenario.left_over(second)[0] for second in steady),
        of_reachable=accepted / len(steady) / fmean(scenario.left_over(second)[1] for second in steady),
        refused=totals["refused"] / sum(totals.values()),
        production_refused=background["refused"] / max(1, background["arrived"]),
        wasted=totals["failed"] / sum(totals.values()),
        given_up=result["given_up"],
    )


def main() -> None:
    wanted = sys.argv[1:]
    print("| scenario | client | of left over | of reachable | refused | production refused | 5xx | given up |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for scenario in SCENARIOS:
        if wanted and scenario.name not in wanted:
            continue
        for client, workers in (("readstate", _WORKERS), ("official", scenario.tuned_by_hand)):
            score = run(scenario, client, workers)
            print(
                f"| {scenario.name} | {client} | {score.goodput:.3f} | {score.of_reachable:.3f} "
                f"| {score.refused:.2%} | {score.production_refused:.2%} | {score.wasted:.2%} | {score.given_up} |",
                flush=True,
            )
            time.sleep(1)


if __name__ == "__main__":
    main()
