"""The event loop, as tests wait for it, and the loops that the product runs on."""

import asyncio
from collections.abc import Callable

import uvloop

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "stock": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


async def settle() -> None:
    """Let everything happen that can happen without time passing."""
    await settle_for(50)


async def settle_for(turns: int) -> None:
    """Let the loop turn *turns* times."""
    for _ in range(turns):
        await asyncio.sleep(0)
