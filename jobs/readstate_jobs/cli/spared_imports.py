"""Spares a command the import of pandas and numpy, which none of them uses."""

import sys
from collections.abc import Sequence
from types import ModuleType


class _Spared:
    """A finder of modules; not derived from `MetaPathFinder`, whose import takes a tenth of what ``--help`` may."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname in {"numpy", "pandas"}:
            raise ModuleNotFoundError(f"no command needs {fullname}", name=fullname)


def spare_imports() -> None:
    """Answer for the rest of this process that there is neither pandas nor numpy: 0.7 seconds and 50 MB saved.

    pyarrow imports them, where they are installed, only to see whether somebody hands it what is theirs. Programs that
    import `pipeline` are not concerned: only the command line calls this.
    """
    sys.meta_path.insert(0, _Spared())
