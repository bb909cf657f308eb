"""Opens the ledger store that the setting ``shared_pace`` names."""

from hashlib import sha256
from pathlib import Path

from readstate.clock import Clock
from readstate.errors import BadInput
from readstate.settings.credentials import Credentials
from readstate.settings.redis_address import is_address
from readstate.settings.settings import Settings
from readstate.twilio.shared_pace.file_store import FileStore
from readstate.twilio.shared_pace.ledger_store import LedgerStore


def open_store(settings: Settings, credentials: Credentials, clock: Clock) -> LedgerStore:
    """Return the store that *settings* name. Raises `BadInput` where its library is missing or refuses the address."""
    account = _account(settings, credentials)
    if not is_address(settings.shared_pace):
        return FileStore(Path(settings.shared_pace), account, clock)
    try:
        from readstate.twilio.shared_pace.redis_store import RedisStore  # noqa: PLC0415 - redis is optional
    except ModuleNotFoundError as error:
        raise BadInput(
            f"a pace shared through Redis needs the package {error.name}", hint="pip install 'readstate[redis]'"
        ) from error
    return RedisStore(settings.shared_pace, account)


def _account(settings: Settings, credentials: Credentials) -> str:
    """Return a hash that identifies the account and region, each of which has limits of its own."""
    account = credentials.account_sid or credentials.username
    return sha256(f"{settings.base_url} {account}".encode()).hexdigest()[:16]
