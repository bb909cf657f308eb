"""The command `readstate`: runs the subcommand, and turns every failure into a message and an exit code."""

import difflib
import shlex
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import click

from readstate import __version__
from readstate.errors import ExitCode, ReadstateError, Usage
from readstate_jobs.cli.secrets_in_environment import require_no_secrets, without_secrets
from readstate_jobs.help.command import load
from readstate_jobs.help.commands import COMMAND_GROUPS, COMMANDS
from readstate_jobs.output.messages import CommandLine
from readstate_jobs.output.streams import disk_error

_MAY_BE_EMPTY = {"--base-url", "--metrics-file", "--shared-pace", "--work-dir"}
"""Options whose empty value stands for the default."""

_UNSET = "Is a variable of the shell, or of the scheduler, not set?"

_INSTEAD_OF_OPTIONS = {
    ("account", "sid"): "The account is that of the credentials: export TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN, or"
    " TWILIO_API_KEY with TWILIO_API_SECRET.",
    ("region", "edge"): "Export TWILIO_EDGE and TWILIO_REGION, for example dublin and ie1.",
}
"""Words in the names of options that other tools have, and what is to be done here."""


class _LazyGroup(click.Group):
    """Imports a command's module when that command is asked for, and not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            nearest = difflib.get_close_matches(cmd_name, COMMANDS, n=1)
            raise click.UsageError(
                f"there is no command {cmd_name!r}" + (f"; did you mean {nearest[0]!r}?" if nearest else ""), ctx
            )
        return load(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, commands in COMMAND_GROUPS.values():
            with formatter.section(title):
                formatter.write_dl([(name, entry.summary) for name, entry in commands.items()])


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Credentials come from the environment: TWILIO_API_KEY and TWILIO_API_SECRET, or TWILIO_ACCOUNT_SID and"
    " TWILIO_AUTH_TOKEN. To try readstate without an account: readstate demo",
)
@click.version_option(__version__, prog_name="readstate")
def readstate() -> None:
    """Export and change who has read what in Twilio Conversations, for all users at once."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; raises nothing."""
    typed = CommandLine(list(sys.argv[1:] if argv is None else argv))
    code = _carry_out(typed)
    with suppress(OSError):  # as below
        typed.end(code)
    return code


def _carry_out(typed: CommandLine) -> int:
    arguments = typed.words

    def explain(message: str, hint: str | None, code: ExitCode) -> int:
        with suppress(OSError):  # where stderr cannot be written either, the exit code is all that is left
            typed.print_message(message, level="error", hint=hint, exit_code=int(code))
        return code

    try:
        require_no_secrets(arguments)
        _require_no_empty_words(arguments)
        result = readstate.main(
            args=list(arguments), prog_name="readstate", standalone_mode=False, obj=typed, color=typed.colour
        )
        code = int(result) if isinstance(result, int) else ExitCode.DONE
        typed.release_results(code)
        sys.stdout.flush()
    except ReadstateError as error:
        return explain(error.message, error.hint, error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return ExitCode.USAGE
    except click.UsageError as error:
        usage = error.ctx.command_path if error.ctx is not None else "readstate"
        return explain(_one_line(error), f"{_advice(error)}See {usage} --help.", ExitCode.USAGE)
    except click.ClickException as error:
        return explain(_one_line(error), None, ExitCode.USAGE)
    except (click.Abort, KeyboardInterrupt) as stop:
        if isinstance(stop, click.Abort) and stop.__cause__ is None:  # a prompt was left, or answered with no
            click.echo(err=True)  # Ctrl-C leaves the cursor behind the prompt
            return explain("not confirmed; nothing was done", None, ExitCode.INTERRUPTED)
        again = shlex.join(["readstate", *arguments])
        return explain("stopped", f"Nothing that was saved is lost. To resume:  {again}", ExitCode.INTERRUPTED)
    except SystemExit:
        # Click's answer to a broken pipe: the reader of our output, such as `head`, has left. That is no failure.
        return ExitCode.DONE
    except Exception as error:  # noqa: BLE001 - the last resort: a message and a file, no traceback
        if isinstance(error, BrokenPipeError):
            return ExitCode.DONE  # as above
        if isinstance(error, FileNotFoundError) and (missing := _missing_folder()) is not None:
            return explain(*missing, ExitCode.LOCAL_DISK)
        if isinstance(error, OSError) and (refused := disk_error(error)) is not None:
            return explain(refused.message, refused.hint, refused.exit_code)
        return explain(
            without_secrets(f"a bug in readstate: {type(error).__name__}: {error}", typed.secrets),
            f"{_save_details(error, typed.secrets)}\nPlease report this. Work that was saved can be resumed.",
            ExitCode.INTERNAL,
        )
    return code


def _require_no_empty_words(arguments: Sequence[str]) -> None:
    """Raise `Usage` for an empty word: as a path it would be the current folder, and nearly always it is a mistake."""
    for before, word in pairwise(["readstate", *arguments]):
        option, is_assignment, value = word.partition("=")
        if not word and before not in _MAY_BE_EMPTY:
            raise Usage(f"the argument after {before} is empty", hint=_UNSET)
        if option.startswith("--") and is_assignment and not value and option not in _MAY_BE_EMPTY:
            raise Usage(f"{option} is empty", hint=_UNSET)


def _one_line(error: click.ClickException) -> str:
    return " ".join(error.format_message().split())  # click lists choices one below the other


def _advice(error: click.UsageError) -> str:
    """Return what somebody was after who typed an option that is an environment variable here, or an empty text."""
    if not isinstance(error, click.NoSuchOption):
        return ""
    name = error.option_name.strip("-").replace("_", "-").lower()
    for words, variables in _INSTEAD_OF_OPTIONS.items():
        if any(word in name.split("-") for word in words):
            return f"{variables}\n"
    return ""


def _missing_folder() -> tuple[str, str] | None:
    """Return which folder that a process takes for granted is missing, and what to do."""
    import tempfile  # noqa: PLC0415 - only a failure needs it, and --help would wait for it

    try:
        Path.cwd()
    except OSError:
        return "the current folder no longer exists", "Change to another:  cd"
    try:
        tempfile.gettempdir()
    except OSError:
        return "there is no folder for temporary files", "Set TMPDIR to a folder that can be written."
    return None


def _save_details(error: Exception, secrets: Sequence[str]) -> str:
    """Write the traceback of *error* into a file and return where that is, or the lines of code where it cannot be."""
    import tempfile  # noqa: PLC0415 - only a bug needs it, and --help would wait for it

    details = without_secrets("".join(traceback.format_exception(error)), secrets)
    try:
        with tempfile.NamedTemporaryFile("wb", prefix="readstate-", suffix=".txt", delete=False) as file:
            file.write(details.encode(errors="replace"))
    except OSError as refused:
        lines = ", ".join(f"{at.filename}:{at.lineno}" for at in traceback.extract_tb(error.__traceback__))
        return f"The details could not be written to a file ({refused}). It happened in {lines}."
    return f"The details are in {file.name}"
