import pytest

from readstate.changes.current_state.batches import STOPPED_HINT, read_in_batches
from readstate.errors import ExitCode, Stopped
from readstate.events import ignore
from readstate.stop import StopReason, StopSwitch
from readstate.twilio.client import Reader
from readstate.twilio.read_context import ReadContext
from tests.helpers.fake_clock import FakeClock
from tests.helpers.scripted_transport import ScriptedTransport


@pytest.fixture
def context() -> ReadContext:
    reader = Reader(ScriptedTransport())
    return ReadContext(
        reader=reader, service_sid="IS", clock=FakeClock(), stop=StopSwitch(), emit=ignore, parallel=4
    )  # fmt: skip


async def double(item: int) -> int:
    return 2 * item


async def test_every_result_is_kept_once_and_what_keeping_returns_is_summed(context: ReadContext) -> None:
    batches: list[list[int]] = []

    def keep(results: list[int]) -> int:
        batches.append(results)
        return len(results)

    assert await read_in_batches(double, range(50), keep, context) == 50
    assert sorted(result for batch in batches for result in batch) == [2 * item for item in range(50)]
    assert [len(batch) for batch in batches] == [20, 20, 10]


async def test_a_stop_ends_it_at_the_next_item_and_says_what_to_type(context: ReadContext) -> None:
    async def read(item: int) -> int:
        context.stop.request_stop(StopReason("stopped by SIGTERM", ExitCode.TERMINATED))
        return item

    with pytest.raises(Stopped, match="SIGTERM") as stopped:
        await read_in_batches(read, range(1_000), len, context)

    assert stopped.value.hint == STOPPED_HINT
