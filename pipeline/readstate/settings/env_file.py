"""A file of environment variables, in the form that shells, Docker and systemd have in common."""

import re
from pathlib import Path

from readstate.errors import BadInput

_LINE = re.compile(
    r"""\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)="""
    r"""(?:'(?P<single>[^']*)'|"(?P<double>[^"\\$`]*)"|(?P<plain>[^'"\s].*?)?)(?:\s+\#.*|\s*)"""
)


def read_env_file(path: Path) -> dict[str, str]:
    """Return the variables of the file at *path*. Raise `BadInput` with the line, and without what it holds."""
    try:
        lines = path.expanduser().read_text(encoding="utf-8-sig").splitlines()
    except (OSError, RuntimeError) as error:
        raise BadInput(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not a text in UTF-8") from error
    variables = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise BadInput(
                f"{path}, line {number}: not NAME=value; the line is not shown, because it may hold a secret",
                hint="Put a value with quotation marks, $ or \\ in single quotation marks: NAME='value'.",
            )
        variables[found["name"]] = found["single"] or found["double"] or found["plain"] or ""
    return variables
