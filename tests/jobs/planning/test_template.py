import pytest

from tests.helpers.changes_files import write_lines
from tests.helpers.cli_shell import RunCommand


@pytest.mark.parametrize("operation", ["update", "delete"])
def test_a_template_is_a_file_that_lint_accepts(operation: str, readstate: RunCommand) -> None:
    template = readstate("template", "--op", operation)

    assert template.code == 0
    linted = readstate("lint", str(write_lines("in.csv", template.stdout)), "--op", operation)
    assert linted.code == 0
    assert "0 errors, 0 warnings" in linted.stdout
