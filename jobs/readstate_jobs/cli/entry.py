"""Where the process of a command begins and ends, and where Ctrl-C therefore ends it without a word.

Amid an import a `KeyboardInterrupt` is a traceback that helps nobody. So SIGINT first does to us what it does to other
programs: the process is gone, and the shell says 130. Nothing here can cover Python's own start, before it comes to us.
"""

import signal
import sys


def entry() -> None:
    """What the console script and ``python -m readstate_jobs`` call."""
    # Where it is ignored, as a shell has it for what runs in the background, it stays so.
    is_heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_heard:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from readstate_jobs.cli.spared_imports import spare_imports
    from readstate_jobs.cli.streams import abandon_outputs, open_closed_outputs

    spare_imports()
    open_closed_outputs()
    code = _main(is_heard=is_heard)
    abandon_outputs()
    sys.exit(code)


def _main(*, is_heard: bool) -> int:
    """Run the command line, which alone knows what to answer to Ctrl-C."""
    from readstate_jobs.cli.main import main

    if not is_heard:
        return main()
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        code = main()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    except KeyboardInterrupt:  # once more, while the first one was answered
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)
        raise
    return code
