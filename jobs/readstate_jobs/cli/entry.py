"""Where the process of a command begins and ends."""

import gc
import sys

from readstate_jobs.cli.main import main
from readstate_jobs.cli.optional_imports import block_optional_imports
from readstate_jobs.output.streams import discard_unwritable_streams, prepare_streams


def entry() -> None:
    """Run the command line; what the console script and ``python -m readstate_jobs`` call."""
    # By default 700: with the many objects of an export, the garbage collector takes 5 to 8 % of its CPU.
    gc.set_threshold(5_000)
    block_optional_imports()
    prepare_streams()
    code = main()
    discard_unwritable_streams()
    if "_duckdb" not in sys.modules:  # which complains about objects that are left
        # Python looks for cycles among all objects while it exits: a tenth of the time of a small export.
        gc.freeze()
    sys.exit(code)
