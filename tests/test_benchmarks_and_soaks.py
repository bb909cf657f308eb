"""Programs that only people start still find everything that they import."""

from importlib import import_module
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROGRAMS = sorted(
    ".".join(path.relative_to(HERE.parent).with_suffix("").parts)
    for folder in ("benchmarks", "soak")
    for path in (HERE / folder).rglob("*.py")
)


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_program_finds_what_it_imports(name: str) -> None:
    try:
        import_module(name)
    except ModuleNotFoundError as error:
        assert error.name is not None
        if error.name.partition(".")[0] in {"pipeline", "jobs", "tests"}:
            raise
        pytest.skip(f"{error.name} is not installed")
