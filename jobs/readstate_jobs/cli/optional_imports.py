"""Keeps libraries that no command needs out of a command's process."""

import sys
from collections.abc import Sequence
from types import ModuleType


def block_optional_imports() -> None:
    """Make pandas, numpy and dateutil look absent for the rest of this process, which saves 0.7 seconds and 50 MB.

    Wherever they are installed, pyarrow imports them to recognize their objects; no command hands it any. Programs that
    import `readstate` are not concerned: only the command line calls this.
    """
    sys.meta_path.insert(0, _Absent())


class _Absent:
    """A finder of modules; not derived from `MetaPathFinder`, whose import takes a tenth of what ``--help`` may."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname in {"numpy", "pandas", "dateutil"}:
            raise ModuleNotFoundError(f"no command needs {fullname}", name=fullname)
