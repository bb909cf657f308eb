"""20 000 updates and 500 removals while people read on: do effect log, journal and results agree, row by row?

``python -m tests.soak.live_apply [UPDATES] [REMOVALS]``. Ends with an error where one row does not.
"""

import sys
import tempfile
import time
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from readstate.simulator.api.behaviour import Behaviour
from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import running
from readstate.simulator.world.world import World
from tests.helpers.bulk_changes import assert_agreement, consent, mixed_lines
from tests.helpers.process_shell import ProcessShell


def main(updates: int, removals: int) -> None:
    shape = WorldShape(users=max(1_000, updates), services=1, odd_identities=0.0)
    with (
        tempfile.TemporaryDirectory() as folder,
        running(World(shape), behaviour=Behaviour(actions_per_second=0)) as twilio,
    ):
        shell = ProcessShell(twilio, Path(folder), {"READSTATE_WRITES_PER_SECOND": "150"})
        plan = shell.plan(mixed_lines(twilio, updates=updates, removals=removals))
        twilio.faults = Faults(
            latency_ms=10, latency_sigma=0.5, live_moves_per_second=20, reset_after_share=0.002,
            error_after_effect_share=0.002, error_share=0.002, conflict_share=0.002, unauthorized_share=0.0005,
        )  # fmt: skip
        planned, began = len(twilio.effects()), time.monotonic()
        output = shell.run("apply", str(plan.directory), "--json", "--max-drift", "100%", *consent(plan), timeout=3_600)
        seconds = time.monotonic() - began
        twilio.faults = Faults()
        effects = twilio.effects()[planned:]
        run_dir = Path(output.document["run_dir"])
        window = pq.read_table(run_dir / "results.parquet", columns=["race_window_ms"]).column(0)
        print(f"race       {pc.quantile(window, q=[0.5, 0.99, 1.0]).to_pylist()} ms between reading and writing")
        outcomes = assert_agreement(plan, run_dir, effects)
        live = sum(effect.actor == "live client" for effect in effects)
        print(f"planned    {plan.manifest.counts}")
        print(f"outcomes   {dict(outcomes)}, exit code {output.code}")
        print(f"others     {live} moves meanwhile; {outcomes['raced']} of ours went back, no row was written twice")
        print(f"accidents  {dict(twilio.counters().faults)}")
        print(f"time       {seconds:.0f} s, {sum(outcomes.values()) / seconds:.0f} rows/s")
        print(output.stderr[-300:])


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3] or ("20000", "500")))
