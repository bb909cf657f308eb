"""OPERATORS.md says what the code does, operator by operator, argument by argument."""

import re

import pytest

from readstate_jobs.help.command import load
from tests.helpers.operator_signatures import BASE, ROOM, Argument, Operator, exported_operators

SECTIONS = dict(part.split("\n", 1) for part in (ROOM / "OPERATORS.md").read_text(encoding="utf-8").split("\n## ")[1:])
ROW = re.compile(r"^\| `(\w+)` \| `?(.+?)`? \| (T?) \| .+ \|$", re.MULTILINE)


def test_every_operator_has_a_section() -> None:
    assert set(SECTIONS) == set(exported_operators())


@pytest.mark.parametrize(("name", "operator"), exported_operators().items())
def test_a_section_has_the_arguments_defaults_templates_xcom_and_links_of_its_operator(
    name: str, operator: Operator
) -> None:
    section = SECTIONS[name]
    rows = {row[1]: Argument(row[2], row[3] == "T") for row in ROW.finditer(section)}

    assert rows == operator.arguments
    assert f"XCom: {operator.xcom}" in section
    assert tuple(re.findall(r"Link: (\w+)", section)) == operator.links


@pytest.mark.parametrize(("name", "operator"), exported_operators().items())
def test_the_command_of_an_operator_has_the_options_that_it_is_given(name: str, operator: Operator) -> None:
    if name == BASE:
        return
    command = load(operator.command)

    known = {flag for parameter in command.params for flag in parameter.opts}
    assert operator.flags - known == set()
    assert f"readstate {operator.command} " in SECTIONS[name]
