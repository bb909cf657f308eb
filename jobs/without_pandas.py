"""Spares a command the import of pandas, which none of them uses."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType


class _NoPandas(MetaPathFinder):
    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("no command needs pandas", name=fullname)


def without_pandas() -> None:
    """Answer for the rest of this process that there is no pandas: half a second and 40 MB saved.

    pyarrow imports it, where it is installed, at the first array that it makes of Python objects, only to see whether
    they are pandas' own. Programs that import `pipeline` are not concerned: only the command line calls this.
    """
    sys.meta_path.insert(0, _NoPandas())
