"""The users that a run reads: listed from services or named by a file, kept in the checkpoint."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import msgspec

from readstate.clock import Clock
from readstate.concurrency import WorkerThread, bounded_map
from readstate.errors import ApiError, BadInput, NotFound, TransportError
from readstate.events import Observer, RosterComplete, RosterPageRead, RosterValueUnusable, UserUnknown
from readstate.model.ids import is_sid
from readstate.model.resources import User
from readstate.snapshot.roster.selection import ALL_SERVICES, DEFAULT_SERVICE, RosterEntry, RosterSelection
from readstate.snapshot.workspace.checkpoint import Checkpoint
from readstate.snapshot.workspace.checkpoint_rows import RosterPage
from readstate.snapshot.workspace.users import RosterUser, UserResult, failed_result
from readstate.stop import StopSwitch
from readstate.twilio.client import Reader, UsersPage
from readstate.twilio.lists.moving_list import ListPosition

_CLAIMED_AT_ONCE = 500
_PAGES_AT_ONCE = 5
"""Stored in one transaction, unless users to read are wanted before."""
_RESOLVED_AT_ONCE = 200


class Roster:
    """Fills the checkpoint with users and, at the same time, yields those that are still to be read."""

    def __init__(
        self,
        selection: RosterSelection,
        *,
        reader: Reader,
        checkpoint: Checkpoint,
        disk: WorkerThread,
        stop: StopSwitch,
        clock: Clock,
        emit: Observer,
        parallel: int,
    ) -> None:
        self._selection = selection
        self._reader = reader
        self._checkpoint = checkpoint
        self._disk = disk
        self._stop = stop
        self._clock = clock
        self._emit = emit
        self._parallel = parallel
        self._changed = asyncio.Event()
        stop.on_stop(self._changed.set)
        self._is_complete = False
        self._listed: list[RosterPage] = []
        """Pages that are not in the checkpoint yet."""
        self._users = 0
        self._fields_left_empty: set[str] = set()

    async def fill(self) -> None:
        """Find all users, continuing where an earlier start stopped. Raise `ApiError`, `BadInput`, `NotPermitted`."""
        self._users = (await self._disk.run(self._checkpoint.progress)).listed
        try:
            if self._selection.entries is not None:
                await self._resolve(self._selection.entries)
            else:
                await self._list()
        finally:
            await self._store()
        self._is_complete = self._stop.reason() is None
        self._changed.set()
        if self._is_complete:
            self._emit(RosterComplete(self._users))

    async def users_to_read(self) -> AsyncIterator[RosterUser]:
        """Yield users still to be read, the longest lists first, until the roster is complete and all were claimed."""
        while self._stop.reason() is None:
            was_complete = self._is_complete
            # Read and cleared before the claim: a user that is added meanwhile sets the event again.
            self._changed.clear()
            users = await self._store(claimed=_CLAIMED_AT_ONCE)
            for user in users:
                if self._stop.reason() is not None:
                    return
                yield user
            if not users:
                if was_complete:
                    return
                await self._changed.wait()

    async def _list(self) -> None:
        # The services of the first start: a service that is added meanwhile belongs to the next snapshot.
        if await self._disk.run(self._checkpoint.get, "services_known", bool) is None:
            services = await self._services()
            for sid in services:
                await self._disk.run(self._checkpoint.add_service, sid)
            names = {sid: name for sid, name in services.items() if name}
            await self._disk.run(self._checkpoint.set, services_known=True, service_names=names)
        for service, start in await self._disk.run(self._checkpoint.unlisted_services, ListPosition):
            await self._list_service(service, start)

    async def _services(self) -> dict[str, str | None]:
        """Return the SID of each service with its name, as far as it is listed."""
        found: dict[str, str | None] = {}
        for name in self._selection.services:
            if name == ALL_SERVICES:
                found.update({service.sid: service.friendly_name for service in await self._reader.services()})
            elif name == DEFAULT_SERVICE:
                found.setdefault(await self._reader.default_service(), None)
            elif is_sid(name, "IS"):
                found.setdefault(name, None)
            else:
                raise BadInput(f"--service {name}: not a service", hint="Use all, default, or IS and 32 hex digits.")
        return found

    async def _list_service(self, service: str, start: ListPosition | None) -> None:
        try:
            async for page in self._reader.users(service, start=start):
                self._tell_left_empty(service, page)
                following = None if page.following is None else msgspec.json.encode(page.following).decode()
                users = [user for user in page.users if self._selection.share.owns(user.sid)]
                if self._selection.limit is not None:
                    users = users[: self._selection.limit - self._users]
                self._add(service, users, next_page=following)
                if len(self._listed) >= _PAGES_AT_ONCE or self._selection.limit is not None:
                    await self._store()
                if self._stop.reason() is not None or self._users == self._selection.limit:
                    return
        except NotFound as error:
            raise BadInput(
                f"the account has no service {service}", hint="readstate doctor lists its services."
            ) from error

    def _tell_left_empty(self, service: str, page: UsersPage) -> None:
        for field, example in page.left_empty.items():
            if field not in self._fields_left_empty:
                self._fields_left_empty.add(field)
                self._emit(RosterValueUnusable(service, field, example))

    async def _resolve(self, entries: Sequence[RosterEntry]) -> None:
        # Resumed by chunks: users are added idempotently, so a chunk that was half done is simply resolved again.
        done: int = await self._disk.run(self._checkpoint.get, "entries_resolved", int) or 0
        needs_own = any(entry.service is None for entry in entries)
        own = self._selection.own_service or await self._reader.default_service() if needs_own else None
        entries = entries[: self._selection.limit]
        by_sid = {(entry.service or own, entry.user) for entry in entries if is_sid(entry.user, "US")}
        owned = [entry for entry in entries if self._selection.share.owns(entry.user)]
        while done < len(owned) and self._stop.reason() is None:
            chunk = owned[done : done + _RESOLVED_AT_ONCE]
            async with bounded_map(
                lambda entry: self._resolve_one(entry, entry.service or own or ""), chunk, limit=self._parallel
            ) as found:
                async for entry, service, user in found:
                    # A user that the file names by SID as well belongs to the shard of its SID.
                    if user is not None and (user.sid == entry.user or (service, user.sid) not in by_sid):
                        self._add(service, [user], next_page=None)
            await self._store()
            done += len(chunk)
            await self._disk.run(self._checkpoint.set, entries_resolved=done)

    async def _resolve_one(self, entry: RosterEntry, service: str) -> tuple[RosterEntry, str, User | None]:
        try:
            return entry, service, await self._reader.user(service, entry.user)
        except (ApiError, TransportError, BadInput) as error:
            await self._add_unresolved(entry, service, error)
            return entry, service, None

    async def _add_unresolved(
        self, entry: RosterEntry, service: str, error: ApiError | TransportError | BadInput
    ) -> None:
        """Add a user that the file names and Twilio does not return, by the name in the file."""
        stand_in = User(sid=entry.user, identity=None if is_sid(entry.user, "US") else entry.user)
        row = RosterUser(0, service, entry.user, stand_in.identity)
        if isinstance(error, NotFound):
            reason = f"line {entry.line} of the users file: no such user"
            result = UserResult(0, "unknown", None, self._clock.now(), reason, 404, error.code, error.request_id)
            self._emit(UserUnknown(entry.user, entry.line, error.request_id))
        else:
            result = failed_result(row, error, clock=self._clock, emit=self._emit)
        self._count(service, await self._disk.run(self._checkpoint.add_with_result, service, stand_in, result))

    def _add(self, service: str, users: Sequence[User], *, next_page: str | None) -> None:
        """Add a page of users, which the checkpoint gets with the next `_store`."""
        self._listed.append(RosterPage(service, users, next_page))
        self._changed.set()

    async def _store(self, *, claimed: int = 0) -> list[RosterUser]:
        """Write all pages into the checkpoint; return up to *claimed* users that are to be read next."""
        added, users = await self._disk.run(self._add_and_claim, claimed)
        for service, new in added:
            self._count(service, new)
        return users

    def _add_and_claim(self, claimed: int) -> tuple[list[tuple[str, int]], list[RosterUser]]:
        # Both at once: the event loop is busy, and each way to the thread and back takes it longer than the two do.
        # Pages are taken on the one thread that writes, and removed when they are written: if that fails, no later page
        # may come into the checkpoint before them, with a place in the list from which they would not be read again.
        pages = self._listed.copy()
        added = self._checkpoint.add_pages(pages) if pages else []
        del self._listed[: len(pages)]
        return added, self._checkpoint.claim(claimed) if claimed else []

    def _count(self, service: str, users: int) -> None:
        self._users += users
        self._emit(RosterPageRead(service, users))
