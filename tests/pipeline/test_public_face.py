"""What ``import readstate`` offers, and what it does not load."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import readstate


def test_importing_the_package_loads_no_other_module_of_it_and_no_library() -> None:
    program = (
        "import importlib, json, sys, typing; before = set(sys.modules)\n"
        "import readstate; print(json.dumps(sorted(set(sys.modules) - before)))"
    )

    loaded = json.loads(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout)

    assert loaded == ["readstate"]


@pytest.mark.parametrize("name", readstate.__all__)
def test_every_public_name_is_found_where_it_is_defined(name: str) -> None:
    assert getattr(readstate, name).__name__ == name


def test_type_checkers_know_the_same_names() -> None:
    tree = ast.parse(Path(readstate.__file__).read_text(encoding="utf-8"))
    (checked,) = [node for node in tree.body if isinstance(node, ast.If)]

    names = [alias.name for node in checked.body if isinstance(node, ast.ImportFrom) for alias in node.names]

    assert sorted(names) == sorted(readstate.__all__) == sorted(set(dir(readstate)) & set(names))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'exprot'"):
        _ = readstate.exprot
