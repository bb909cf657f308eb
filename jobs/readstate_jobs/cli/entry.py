"""Where the process of a command begins and ends."""

import sys

from readstate_jobs.cli.main import main
from readstate_jobs.cli.optional_imports import block_optional_imports
from readstate_jobs.output.streams import discard_unwritable_streams, prepare_streams


def entry() -> None:
    """Run the command line; what the console script and ``python -m readstate_jobs`` call."""
    block_optional_imports()
    prepare_streams()
    code = main()
    discard_unwritable_streams()
    sys.exit(code)
