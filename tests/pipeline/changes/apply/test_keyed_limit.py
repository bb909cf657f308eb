import asyncio
from collections import Counter

from readstate.changes.apply.keyed_limit import KeyedLimit


async def test_each_key_has_its_own_limit() -> None:
    limit, inside, most = KeyedLimit(2), Counter[str](), Counter[str]()

    async def work(key: str) -> None:
        async with limit.hold(key):
            inside[key] += 1
            most[key] = max(most[key], inside[key])
            await asyncio.sleep(0)
            inside[key] -= 1

    await asyncio.gather(*(work(key) for key in "aaaaabbbc"))

    assert most == {"a": 2, "b": 2, "c": 1}
