"""What happens to a request between its arrival and its answer: limits, time and accidents around the API."""

import asyncio
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from readstate.simulator.api.api import NOWHERE, Api, Asked
from readstate.simulator.api.behaviour import Behaviour
from readstate.simulator.api.credentials import Credentials
from readstate.simulator.api.paging import next_target
from readstate.simulator.api.responses import Answer, html, refusal
from readstate.simulator.api.routes import find_route
from readstate.simulator.faults.account_limits import Account, BackgroundCounts
from readstate.simulator.faults.faults import Faults
from readstate.simulator.faults.injector import Accident, Dice
from readstate.simulator.seed.sid_space import mix, subkey
from readstate.simulator.server.counters import Counters
from readstate.simulator.server.http_connection import Wire
from readstate.simulator.server.page_cache import PageCache
from readstate.simulator.server.response_headers import DateHeader, bare_head, head
from readstate.simulator.world.world import World

_REFUSAL_SECONDS: Final = 0.002
"""A 429 comes quickly, but not at once."""
_OUTAGE_SECONDS: Final = 0.005
_PRERENDERED_BYTES: Final = 1 << 40
_OVERSIZE: Final = 33 * 1024 * 1024
_TITLES: Final = {
    500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
}  # fmt: skip


class _Visit(NamedTuple):
    """A request on its way through the account."""

    asked: Asked
    wire: Wire
    request_id: str
    seconds: float
    """Time in service, for the header."""
    concurrent: int


class Simulator:
    """An account of Twilio Conversations with everything that may befall its clients."""

    def __init__(
        self,
        world: World | None = None,
        *,
        faults: Faults | None = None,
        behaviour: Behaviour | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        self.world = world or World()
        self.credentials = credentials or Credentials()
        self.counters = Counters()
        self.dice = Dice(self.world.shape.seed, faults or Faults())
        self.account = Account(self.dice, time.monotonic)
        self.api = Api(self.world, dice=self.dice, behaviour=behaviour or Behaviour(), credentials=self.credentials)
        self._pages = PageCache()
        self.world.log.on_change.append(self._pages.clear)
        self._date = DateHeader()
        self._request_key = subkey(self.world.shape.seed, "request ids")
        self._requests = 0
        self._listens = False
        self._live_timer: asyncio.TimerHandle | None = None
        self._settle()

    @property
    def faults(self) -> Faults:
        """The faults in force."""
        return self.dice.faults

    @property
    def behaviour(self) -> Behaviour:
        """The behaviour in force."""
        return self.api.behaviour

    def change_faults(self, faults: Faults) -> None:
        """Go on under other faults; what is in service already is not touched."""
        self.account.catch_up(time.monotonic())
        self.dice.change(faults)
        self._settle()
        if self._listens:
            self.start_live_client()

    def change_behaviour(self, behaviour: Behaviour) -> None:
        """Go on with other answers to what nobody knows."""
        self.api.behaviour = behaviour
        self._settle()

    def stand_at(self, base_url: str) -> None:
        """Say what the URLs in answers begin with."""
        self.api.base_url = base_url
        self._pages.clear()

    def reset_counters(self) -> None:
        """Count from zero again."""
        self.counters = Counters()
        self.account.background = BackgroundCounts()

    def prerender(self) -> int:
        """Render every user's list now, all of its pages, and keep them; says how many pages.

        So a benchmark measures its client, at the price of about 1.2 kB a row. The pages are those that an export asks
        for, below `/v1/Services/{Sid}`. A change of the world, the faults or the behaviour forgets them like any other.
        """
        self._pages.grow(_PRERENDERED_BYTES)
        return sum(
            self._prerender_list(f"/v1/Services/{service.sid}/Users/{user.sid}/Conversations?PageSize=50")
            for service, user in self.world.users()
        )

    def _prerender_list(self, first_target: str) -> int:
        authorization = next(iter(self.credentials.permissions()))
        target, pages = first_target, 0
        while target:
            template, answer = self.api.answer(Asked("GET", target, authorization), "RQ")
            if answer.status != 200:
                break
            self._pages.put(target, (template, answer))
            pages += 1
            target = next_target(answer.body)
        return pages

    def receive(self, asked: Asked, wire: Wire) -> None:
        """Take a request; *wire* gets its answer now, later or never."""
        if self._unhurried:
            # With no time in service there is never more than one request in it.
            self._answer(_Visit(asked, wire, self._new_request_id(), 0.001, 1))
        else:
            self._later(self.faults.rtt_ms / 2000, self._arrive, asked, wire)

    def start_live_client(self) -> None:
        """Let the live client move horizons as often as the faults say; to be called on the loop."""
        self.stop_live_client()
        self._listens = True
        rate = self.faults.live_moves_per_second
        if rate > 0:
            self._live_timer = asyncio.get_running_loop().call_later(1 / rate, self._move_live)

    def stop_live_client(self) -> None:
        """Let the live client rest."""
        self._listens = False
        if self._live_timer is not None:
            self._live_timer.cancel()
            self._live_timer = None

    def _move_live(self) -> None:
        self.api.live_client.move_somewhere()
        self.start_live_client()

    def _arrive(self, asked: Asked, wire: Wire) -> None:
        faults, request_id = self.faults, self._new_request_id()
        if faults.outage == "hang":
            self.counters.accidents["hang"] += 1
            return
        if faults.outage == "503":
            visit = _Visit(asked, wire, request_id, 0.0, 0)
            self._later(_OUTAGE_SECONDS, self._fail, visit, 503)
            return
        verdict = self.account.enter()
        concurrent = self.account.in_service
        self.counters.most_in_flight = max(self.counters.most_in_flight, self.account.ours)
        if verdict == "admitted":
            seconds = self.dice.service_seconds()
            self._later(seconds, self._serve, _Visit(asked, wire, request_id, seconds, concurrent))
            return
        code = faults.rate_code if verdict == "too_many_a_second" else 20429
        self.counters.refusals[code] += 1
        refused = refusal(429, code, "Too Many Requests", retry_after_seconds=faults.retry_after_seconds)
        visit = _Visit(asked, wire, request_id, 0.0, concurrent)
        self._later(_REFUSAL_SECONDS, self._dispatch, visit, refused)

    def _serve(self, visit: _Visit) -> None:
        self.account.leave()
        accident = self.dice.accident(visit.asked.method)
        if accident == "none":
            self._answer(visit)
            return
        self.counters.accidents[accident] += 1
        self._befall(visit, accident)

    def _befall(self, visit: _Visit, accident: Accident) -> None:
        match accident:
            case "error":
                self._fail(visit, self.dice.error_status())
            case "error_after":
                self.api.answer(visit.asked, visit.request_id)
                self._fail(visit, self.dice.error_status())
            case "reset_before":
                visit.wire.reset()
            case "reset_after":
                self.api.answer(visit.asked, visit.request_id)
                visit.wire.reset()
            case "unauthorized":
                self._dispatch(visit, refusal(401, 20003, "Authenticate"))
            case "conflict":
                self._dispatch(visit, refusal(409, 50419, "Conflicting member modification"))
            case "html_success":
                self._dispatch(visit, html(200, "Welcome"))
            case _:
                self._maim(visit, accident)

    def _maim(self, visit: _Visit, accident: Accident) -> None:
        answer = self._answer_of_api(visit)
        if accident == "oversize":
            answer = answer._replace(body=answer.body + b" " * (_OVERSIZE - len(answer.body)))
        beginning = self._head(visit, answer)
        match accident:
            case "truncate":
                visit.wire.send_and_close(beginning + answer.body[: len(answer.body) // 2])
            case "drip":
                visit.wire.drip(beginning + answer.body, seconds=self.faults.drip_seconds)
            case _:
                visit.wire.send(beginning + answer.body)

    def _answer(self, visit: _Visit) -> None:
        asked = visit.asked
        cached = self._pages.get(asked.target) if asked.method == "GET" else None
        if cached is not None and self.api.is_welcome(asked.authorization):
            template, answer = cached
            self.counters.answers[asked.method, template, answer.status] += 1
        else:
            answer = self._answer_of_api(visit)
        self._depart(visit, answer)

    def _answer_of_api(self, visit: _Visit) -> Answer:
        asked = visit.asked
        template, answer = self.api.answer(asked, visit.request_id)
        if answer.status == 429:
            self.counters.refusals[self.behaviour.actions_code] += 1
            answer = answer._replace(retry_after_seconds=self.faults.retry_after_seconds)
        self.counters.answers[asked.method, template, answer.status] += 1
        if self._cacheable and asked.method == "GET" and answer.status == 200:
            self._pages.put(asked.target, (template, answer))
        return answer

    def _fail(self, visit: _Visit, status: int) -> None:
        self._count_unserved(visit, status)
        if self.dice.happens(self.faults.html_share):
            answer = html(status, _TITLES.get(status, "Error"))
            beginning = bare_head(answer, date=self._date.text(self.faults.clock_skew_seconds))
            self._later(self.faults.rtt_ms / 2000, visit.wire.send, beginning + answer.body)
        else:
            code = 20500 if status == 500 else 20503
            self._depart(visit, refusal(status, code, "An internal server error has occurred"))

    def _dispatch(self, visit: _Visit, answer: Answer) -> None:
        self._count_unserved(visit, answer.status)
        self._depart(visit, answer)

    def _depart(self, visit: _Visit, answer: Answer) -> None:
        payload = self._head(visit, answer) + answer.body
        if self._unhurried:
            visit.wire.send(payload)
        else:
            self._later(self.faults.rtt_ms / 2000, visit.wire.send, payload)

    def _count_unserved(self, visit: _Visit, status: int) -> None:
        route = find_route(visit.asked.target.partition("?")[0])
        self.counters.answers[visit.asked.method, route.template if route else NOWHERE, status] += 1

    def _head(self, visit: _Visit, answer: Answer) -> bytes:
        return head(
            answer,
            request_id=visit.request_id,
            seconds=visit.seconds,
            concurrent=visit.concurrent,
            date=self._date.text(self.dice.faults.clock_skew_seconds),
        )

    def _later(self, seconds: float, then: Callable[..., None], *args: object) -> None:
        if seconds > 0:
            asyncio.get_running_loop().call_later(seconds, then, *args)
        else:
            then(*args)

    def _new_request_id(self) -> str:
        self._requests += 1
        return f"RQ{mix(self._requests, self._request_key):032x}"

    def _settle(self) -> None:
        faults = self.faults
        self._pages.clear()
        self._unhurried = not (
            self.dice.has_accidents
            or faults.latency_ms
            or faults.rtt_ms
            or faults.stall_share
            or faults.outage != "no"
            or faults.requests_per_second_cap is not None
            or faults.background_requests_per_second
            or faults.concurrency_cap == 0
        )
        self._cacheable = self.dice.pages_in_order and not (
            faults.live_after_fetch_share or faults.live_message_share or self.behaviour.unread_lag_seconds
        )
