"""OPERATORS.md says what the code does, operator by operator, argument by argument."""

import re

import pytest

from tests.helpers.operator_signatures import ROOM, Argument, Operator, exported_operators

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
