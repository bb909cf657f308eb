import shlex
from inspect import signature

import click
import pytest
from click.testing import CliRunner

from readstate_jobs.cli.main import readstate
from readstate_jobs.help.command import load
from readstate_jobs.help.commands import COMMAND_GROUPS, COMMANDS

EXAMPLES = [(name, example) for name, entry in COMMANDS.items() for example in entry.examples]


def _help(*words: str) -> str:
    return CliRunner().invoke(readstate, [*words, "--help"]).output


@pytest.mark.parametrize("name", COMMANDS)
def test_no_group_of_options_is_long_and_every_option_is_in_one_of_them(name: str) -> None:
    shown = _help(name)
    groups = shown.split("\n\n")

    assert max(group.count("\n  -") for group in groups) <= 14
    options = [p for p in load(name).params if isinstance(p, click.Option)]
    assert all(shown.count(f" {option.opts[-1]} ") + shown.count(f" {option.opts[-1]}\n") >= 1 for option in options)
    assert "x>=" not in shown
    assert shown.count("[default: ") <= shown.count("\n  -"), "each default once"


def test_the_commands_are_in_groups() -> None:
    shown = _help()

    assert all(f"\n{group.title}:\n" in shown for group in COMMAND_GROUPS.values())
    assert all(f"\n  {name} " in shown for name in COMMANDS)


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=[example for _, example in EXAMPLES])
def test_every_example_can_be_typed_and_is_shown_whole(name: str, example: str) -> None:
    assert f"\n  {'' if example.startswith('eval') else 'readstate '}{example}\n" in _help(name)
    typed = shlex.split(example)
    if typed[0] == "eval":
        typed = typed[1].removeprefix("$(readstate ").removesuffix(")").split()
    words = typed[1 : next((number for number, word in enumerate(typed) if word in {"<", ">"}), None)]

    assert typed[0] == name
    load(name).make_context(name, words)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_job_of_a_command_takes_its_arguments_and_options(name: str) -> None:
    command = load(name)
    given = {parameter.name: None for parameter in command.params if parameter.expose_value and parameter.name}

    signature(command.job().carry_out).bind(**given)
