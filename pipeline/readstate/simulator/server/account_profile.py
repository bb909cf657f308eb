"""How an account behaves, as one description that is written as JSON and can be simulated."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from readstate.errors import BadInput
from readstate.simulator.api.behaviour import Behaviour
from readstate.simulator.faults.faults import Faults
from readstate.simulator.server.parse_options import parse_options


class AccountProfile(msgspec.Struct, frozen=True, kw_only=True):
    """The undocumented behaviour of an account, with its times, its limits and its faults."""

    behaviour: Behaviour = Behaviour()
    faults: Faults = Faults()


class _File(msgspec.Struct):
    account: dict[str, dict[str, Any]]
    """Other members of the file are for people."""


def load_profile(path: Path) -> AccountProfile:
    """Read the member `account` of a JSON file. Raise `BadInput`."""
    try:
        file = msgspec.json.decode(path.read_bytes(), type=_File)
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadInput(f"{path} describes no account: {error}") from error
    return parse_profile(file.account)


def parse_profile(values: Mapping[str, Mapping[str, object]]) -> AccountProfile:
    """Return the profile of plain values; what they leave out is as by default. Raise `BadInput`."""
    unknown = sorted(values.keys() - {"behaviour", "faults"})
    if unknown:
        raise BadInput(f"an account has only behaviour and faults, not {', '.join(unknown)}")
    return AccountProfile(
        behaviour=parse_options(Behaviour, values.get("behaviour", {})),
        faults=parse_options(Faults, values.get("faults", {})),
    )
