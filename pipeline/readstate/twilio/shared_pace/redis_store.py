"""The ledger in Redis, for the processes of several machines; the only module that imports Redis' client.

One value, changed by compare-and-set; times are the server's.
"""

import asyncio

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from readstate.errors import BadInput
from readstate.foreign_json import UnusableJson, decode_json
from readstate.settings.redis_address import without_password
from readstate.twilio.shared_pace.ledger import Ledger
from readstate.twilio.shared_pace.ledger_store import Change, LedgerUnavailable, T

_TRIES = 20
_SECONDS = 1.0
_KEPT_MILLISECONDS = 60_000

# WATCH would do the same, but ties up a connection, and proxies in front of Redis do not pass it on.
_REPLACE = """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""


class RedisStore:
    """Stores the ledger of *account* in the Redis at *url*. Raises `BadInput`."""

    def __init__(self, url: str, account: str) -> None:
        self._key = f"readstate:pace:{account}"
        try:
            self._redis = Redis.from_url(
                url,
                socket_timeout=_SECONDS,
                socket_connect_timeout=_SECONDS,
                retry=Retry(NoBackoff(), 0),  # the next turn comes in a second
            )
            # Not yet connected: it refuses the arguments that it does not know.
            self._redis.connection_pool.make_connection()  # type: ignore[no-untyped-call]
        except (ValueError, TypeError, RedisError):
            # Without the cause: its text may repeat a part of the address, and with it of the password.
            raise BadInput(
                f"shared_pace: {without_password(url)}: redis-py does not understand the part behind ?",
                hint="Leave it out, or see the arguments of redis.asyncio.Redis.from_url.",
            ) from None
        self._replace = self._redis.register_script(_REPLACE)

    async def update(self, change: Change[T]) -> T:
        """Read, change, compare and set; again where another process was faster. Raises `LedgerUnavailable`."""
        try:
            for _ in range(_TRIES):
                async with self._redis.pipeline(transaction=False) as pipeline:
                    pipeline.time()
                    pipeline.get(self._key)
                    (seconds, microseconds), content = await pipeline.execute()
                after, result = change(_parsed(content), seconds + microseconds / 1e6)
                arguments = [content or b"", msgspec.json.encode(after), _KEPT_MILLISECONDS]
                is_kept = await self._replace(keys=[self._key], args=arguments)
                _raise_if_cancelled()
                if is_kept:
                    return result
        except (RedisError, OSError) as error:
            _raise_if_cancelled()
            raise LedgerUnavailable(str(error) or type(error).__name__) from error
        raise LedgerUnavailable("too many processes change it at once")

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()


def _raise_if_cancelled() -> None:
    # redis-py 8.1 swallows every third cancellation that meets it at work; asyncio still knows of it.
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _parsed(content: bytes | None) -> Ledger:
    try:
        return decode_json(content or b"{}", Ledger)
    except UnusableJson:
        return Ledger()
