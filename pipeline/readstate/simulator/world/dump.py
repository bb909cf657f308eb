"""A world as a file: one line with its shape, then one line for each thing that was changed since."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from readstate.errors import BadInput
from readstate.simulator.seed.records import Configuration, Conversation, Message, Participant, User
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.world.service import Service
from readstate.simulator.world.world import World

_FORMAT = "readstate world 2"
_OF_A_SERVICE = 2
"""The members of a line about a service as a whole."""


def dump_world(world: World, path: Path) -> None:
    """Write *world* to a file."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(dump_lines(world))


def load_world(path: Path) -> World:
    """Read a world from a file."""
    with path.open(encoding="utf-8") as file:
        return world_from_lines(file)


def dump_lines(world: World) -> Iterator[str]:
    """Write *world* as lines of JSON."""
    yield _line({"format": _FORMAT, "shape": msgspec.to_builtins(world.shape)})
    for number, service in enumerate(world.numbered_services):
        if service is None:
            yield _line({"service": number, "is": None})
            continue
        if number >= world.shape.services:
            yield _line({"service": number, "is": {"name": service.friendly_name, "created": service.date_created}})
        yield from (_line({"service": number, **change}) for change in _changes(service))
    if world.configuration != Configuration():
        yield _line({"configuration": msgspec.to_builtins(world.configuration)})


def world_from_lines(lines: Iterator[str] | list[str]) -> World:
    """Read a world from lines of JSON."""
    numbered = enumerate(lines, start=1)
    try:
        _, first = next(numbered)
        head = json.loads(first)
        if head["format"] != _FORMAT:
            raise BadInput(f"line 1: the format is {head['format']!r}, and should be {_FORMAT!r}")
        world = World(msgspec.convert(head["shape"], WorldShape))
    except (StopIteration, ValueError, LookupError, TypeError, msgspec.ValidationError) as error:
        raise BadInput("this is not a world that was dumped by the simulator") from error
    for number, line in numbered:
        try:
            _apply(world, json.loads(line))
        except (ValueError, LookupError, TypeError, msgspec.ValidationError) as error:
            raise BadInput(f"line {number} of the world is invalid: {error}") from error
    return world


def _changes(service: Service) -> Iterator[dict[str, Any]]:
    overlay = service.overlay
    created_users = {number: sid for sid, number in overlay.created_users.items()}
    for number, user in overlay.users.items():
        yield {"user": number, "sid": created_users.get(number), "is": msgspec.to_builtins(user)}
    created = {number: sid for sid, number in overlay.created_conversations.items()}
    for number, conversation in overlay.conversations.items():
        yield {"conversation": number, "sid": created.get(number), "is": msgspec.to_builtins(conversation)}
    for (number, user_number), participant in overlay.participants.items():
        yield {"participant": [number, user_number], "is": msgspec.to_builtins(participant)}
    for sid, key in overlay.added_participants.items():
        yield {"added_participant": key, "sid": sid}
    for (number, index), message in overlay.messages.items():
        yield {"message": [number, index], "is": msgspec.to_builtins(message)}


def _apply(world: World, change: dict[str, Any]) -> None:
    match change:
        case {"configuration": plain}:
            world.configuration = msgspec.convert(plain, Configuration)
        case {"service": int(number), "is": plain} if len(change) == _OF_A_SERVICE:
            _apply_to_account(world, number, plain)
        case {"service": int(number)} if (service := world.numbered_services[number]) is not None:
            _apply_to_service(service, change)
        case _:
            raise ValueError("no such kind of change")


def _apply_to_account(world: World, number: int, plain: dict[str, Any] | None) -> None:
    while number >= len(world.numbered_services):
        # Those in between were deleted, too.
        world.create_service("", actor=_FORMAT, date_created=0)
    service = world.numbered_services[number]
    if plain is None:
        world.numbered_services[number] = None
    elif service is not None:
        service.friendly_name, service.date_created = plain["name"], plain["created"]
    world.log.effects.clear()


def _apply_to_service(service: Service, change: dict[str, Any]) -> None:
    overlay = service.overlay
    match change:
        case {"user": int(number), "sid": sid, "is": plain}:
            overlay.users[number] = None if plain is None else msgspec.convert(plain, User)
            if sid is not None:
                overlay.created_users[sid] = number
        case {"conversation": int(number), "sid": sid, "is": plain}:
            overlay.conversations[number] = None if plain is None else msgspec.convert(plain, Conversation)
            if sid is not None:
                overlay.created_conversations[sid] = number
        case {"participant": [int(number), int(user)], "is": None}:
            overlay.participants[number, user] = None
        case {"participant": [int(number), int(user)], "is": plain}:
            seeded = service.is_seeded(number, user)
            overlay.put_participant(number, msgspec.convert(plain, Participant), seeded=seeded)
        case {"added_participant": [int(number), int(user)], "sid": str(sid)}:
            overlay.added_participants[sid] = (number, user)
        case {"message": [int(number), int(index)], "is": plain}:
            overlay.messages[number, index] = msgspec.convert(plain, Message)
        case _:
            raise ValueError("no such kind of change")


def _line(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False) + "\n"
