"""`readstate simulate`: a Twilio Conversations on loopback, to try everything else against."""

import asyncio
import gc
import shlex
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import click

from readstate.errors import Usage
from readstate.simulator.api.behaviour import Behaviour
from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.account_profile import AccountProfile, load_profile
from readstate.simulator.server.certificate import load_certificate
from readstate.simulator.server.parse_options import parse_assignments
from readstate.simulator.server.server import LOOPBACK, listening, new_event_loop
from readstate.simulator.server.simulator import Simulator
from readstate.simulator.world.dump import dump_world, load_world
from readstate.simulator.world.world import World


def carry_out(  # noqa: PLR0917 - click passes them by name
    port: int,
    certificate: Path | None,
    users: int,
    conversations_per_user: float,
    heaviest: int | None,
    service_count: int,
    seed: int,
    odd_identities: float,
    world_file: Path | None,
    like: Path | None,
    dump_file: Path | None,
    prerender: bool,  # noqa: FBT001 - click passes it by name
    faults: tuple[str, ...],
    behaviours: tuple[str, ...],
) -> None:
    """Carry out ``readstate simulate``."""
    shape = WorldShape(
        users=users,
        conversations_per_user=conversations_per_user,
        services=service_count,
        seed=seed,
        odd_identities=odd_identities,
        heaviest=heaviest,
    )
    world = World(shape) if world_file is None else _load(world_file)
    account = AccountProfile() if like is None else load_profile(like)
    simulator = Simulator(
        world,
        faults=parse_assignments(Faults, faults, base=account.faults),
        behaviour=parse_assignments(Behaviour, behaviours, base=account.behaviour),
    )
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_serve(simulator, port, certificate, prerender=prerender))
    if dump_file is not None:
        dump_world(world, dump_file)


async def _serve(simulator: Simulator, port: int, certificate: Path | None, *, prerender: bool) -> None:
    tls = None if certificate is None else load_certificate(certificate)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        try:
            base_url = await stack.enter_async_context(listening(simulator, port=port, tls=tls))
        except OSError as error:
            raise Usage(
                f"cannot listen on {LOOPBACK}:{port}: {error.strerror}", hint="Leave --port out for a free one."
            ) from error
        if prerender:
            simulator.prerender()
        # What exists by now stays for ever: the collector need not look at it again and again.
        gc.freeze()
        _introduce(simulator, base_url, certificate)
        await stop.wait()


def _introduce(simulator: Simulator, base_url: str, certificate: Path | None) -> None:
    click.echo(base_url)
    credentials = simulator.credentials
    trusted = "" if certificate is None else shlex.quote(str(certificate.absolute()))
    authorities = f" SSL_CERT_FILE={trusted} REQUESTS_CA_BUNDLE={trusted}" if trusted else ""
    click.echo(
        f"export TWILIO_ACCOUNT_SID={credentials.account_sid} TWILIO_AUTH_TOKEN={credentials.auth_token} "
        f"READSTATE_BASE_URL={base_url}{authorities}",
        err=True,
    )


def _load(path: Path) -> World:
    try:
        return load_world(path)
    except OSError as error:
        raise Usage(f"cannot read the world {path}: {error.strerror}", hint="Make one with --dump FILE.") from error
