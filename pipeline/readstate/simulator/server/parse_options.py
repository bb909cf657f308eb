"""Parse names and values from a command line or a control request into `Faults` or `Behaviour`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

import msgspec

from readstate.errors import BadInput
from readstate.simulator.api.behaviour import Behaviour
from readstate.simulator.faults.faults import Faults
from readstate.text import escape_control

Options = TypeVar("Options", Faults, Behaviour)


def parse_options(kind: type[Options], values: Mapping[str, object], *, base: Options | None = None) -> Options:
    """Return options with *values*; the others are as in *base*, or the default. Raise `BadInput`.

    A name with dots is a field of a field: `{"users.order": "created"}` is `{"users": {"order": "created"}}`.
    """
    given = dict(_flat(values))
    known = dict(_flat(to_fields(kind())))
    problems = [_unknown(name, known.keys()) for name in given if name not in known]
    if problems:
        raise BadInput("; ".join(problems), hint="The simulator's README lists every name.")
    before = dict(_flat(to_fields(base))) if base is not None else known
    try:
        built = msgspec.convert(_nested({**before, **given}), kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadInput(f"{kind.__name__.lower()}: {error}") from error
    shares = [name for name in given if name.endswith("_share") and not 0 <= getattr(built, name) <= 1]
    if shares:
        raise BadInput(f"{', '.join(shares)}: a share is between 0 and 1")
    return built


def parse_assignments(kind: type[Options], words: Sequence[str], *, base: Options | None = None) -> Options:
    """Return options from words of the form `name=value`; others are as in *base*, or the default. Raise `BadInput`."""
    values: dict[str, object] = {}
    defaults = dict(_flat(to_fields(kind())))
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise BadInput(f"{word!r} has no value", hint=f"Write {escape_control(name)}=VALUE.")
        values[name.strip()] = _value(value.strip(), defaults.get(name.strip()))
    return parse_options(kind, values, base=base)


def to_fields(description: Faults | Behaviour) -> dict[str, object]:
    """Return options as plain values by name."""
    plain: dict[str, object] = msgspec.to_builtins(description)
    return plain


def _flat(values: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and not prefix:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _nested(values: Mapping[str, object]) -> dict[str, object]:
    nested: dict[str, Any] = {}
    for name, value in values.items():
        *parents, last = name.split(".")
        place = nested
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return nested


def _value(text: str, default: object) -> object:
    if text.lower() in {"none", "null"}:
        return None
    if isinstance(default, list | tuple):
        return text.split(",")
    # A number that is one of a few allowed ones is not read from text by itself.
    return int(text) if isinstance(default, int) and text.isdecimal() else text


def _unknown(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"unknown name {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
