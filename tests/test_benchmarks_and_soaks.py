"""Programs that only people start still find what they import of ours. They are not run: some are plain scripts."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

HERE = Path(__file__).parent
OURS = {"readstate", "readstate_jobs", "tests"}
PROGRAMS = sorted(path for folder in ("benchmarks", "soak") for path in (HERE / folder).rglob("*.py"))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: str(path.relative_to(HERE)))
def test_every_program_finds_what_it_imports(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module is not None and node.module.partition(".")[0] in OURS:
            for alias in node.names:
                if not hasattr(import_module(node.module), alias.name):
                    import_module(f"{node.module}.{alias.name}")
