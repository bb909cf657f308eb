import random
from itertools import islice
from typing import NamedTuple

from readstate.simulator.world.ordered_records import OrderedRecords


class _Record(NamedTuple):
    name: str
    date: int


def _key(record: _Record) -> str:
    return f"{record.date:05d}_{record.name}"


def test_walks_follow_every_change_in_both_directions() -> None:
    chance = random.Random(1)
    seeded = [_Record(f"R{number:03d}", chance.randrange(1_000)) for number in range(200)]
    changed: dict[int, _Record | None] = {}
    records = OrderedRecords(len(seeded), seeded.__getitem__, changed, _key)
    for _ in range(50):
        number = chance.randrange(220)
        changed[number] = chance.choice([None, _Record(f"R{number:03d}", chance.randrange(2_000))])
        now = {**dict(enumerate(seeded)), **changed}
        expected = sorted(_key(record) for record in now.values() if record is not None)
        middle = chance.choice(expected)

        assert [key for key, _ in records.up("")] == expected
        assert [key for key, _ in records.down("")] == expected[::-1]
        assert [key for key, _ in islice(records.up(middle), 5)] == [key for key in expected if key > middle][:5]
        assert [key for key, _ in islice(records.down(middle), 5)] == [key for key in expected[::-1] if key < middle][
            :5
        ]
