"""What a person tells an apply that is under way, by files in its directory: ``PAUSE``, ``STOP``, ``control.toml``."""

import difflib
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from readstate.changes.runs.directory import RunDirectory
from readstate.errors import BadInput
from readstate.events import Note, Observer

SECONDS_BETWEEN_READINGS = 2.0
_LONGEST = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """How fast a run may go from now on; None is as it was begun."""

    writes_per_second: float | None = None
    max_in_flight: int | None = None

    def __str__(self) -> str:
        said = {field.name: getattr(self, field.name) for field in fields(self)}
        return ", ".join(f"{name} {value:g}" for name, value in said.items() if value is not None) or "as it was begun"


Steer = Callable[[Speed], None]
"""Makes the requests of a run go at a speed."""


def parse_speed(text: str) -> Speed:
    """Read a ``control.toml``. Raises `BadInput`, which says what is wrong with it."""
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"it is not TOML: {error}") from error
    known = [field.name for field in fields(Speed)]
    for name in said:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise BadInput(f"nobody knows {name!r}" + (f"; {near[0]} was meant" if near else ""))
    rate, most = said.get("writes_per_second"), said.get("max_in_flight")
    if not (rate is None or (_is_number(rate) and 0 < rate <= _LONGEST)):
        raise BadInput(f"writes_per_second = {rate!r}: it must be a number above 0")
    if not (most is None or (_is_number(most) and isinstance(most, int) and 1 <= most <= _LONGEST)):
        raise BadInput(f"max_in_flight = {most!r}: it must be a whole number from 1")
    return Speed(writes_per_second=rate, max_in_flight=most)


class Controls:
    """Looks at the files of one run."""

    def __init__(self, run: RunDirectory, *, steer: Steer, emit: Observer) -> None:
        self._run = run
        self._steer = steer
        self._emit = emit
        self._path = run.path / "control.toml"
        self._speed = Speed()
        self._trouble: str | None = None
        self._read_at = float("-inf")

    def stop(self) -> str | None:
        """Why the run must stop; None where nobody says so."""
        return f"{self._run.stop} is there" if self._run.stop.exists() else None

    def pause(self) -> str | None:
        """Why no row may begin for now; None where nobody says so."""
        return f"{self._run.pause} is there" if self._run.pause.exists() else None

    def follow(self, now: float) -> None:
        """Go at the speed that ``control.toml`` says, where it has changed; what is wrong with it is told, once."""
        if now - self._read_at < SECONDS_BETWEEN_READINGS:
            return
        self._read_at = now
        try:
            speed = parse_speed(_read(self._path))
        except (BadInput, OSError, UnicodeDecodeError) as error:
            self._ignore(str(error))
            return
        self._trouble = None
        if speed != self._speed:
            self._speed = speed
            self._steer(speed)
            self._emit(Note(f"{self._path}: from now on {speed}"))

    def _ignore(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            self._emit(Note(f"{self._path} is ignored: {trouble}. The speed stays {self._speed}"))


def _read(path: Path) -> str:
    # A pipe of that name would be waited for.
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
