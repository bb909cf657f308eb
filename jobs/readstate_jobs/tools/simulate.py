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
from readstate_jobs.cli.options import LocalPath, NumberRange
from readstate_jobs.help.command import GroupedCommand


@click.command(cls=GroupedCommand)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default="a free one", help="The port on loopback."
)
@click.option(
    "--tls", "certificate", type=LocalPath(), help="Serve https with the key and certificate in this PEM file."
)
@click.option("--users", type=click.IntRange(min=0), default=2_000, show_default=True, help="Users of all services.")
@click.option("--conversations-per-user", type=NumberRange(min=0), default=5.0, show_default=True,
              help="The mean; a few users have many more.")  # fmt: skip
@click.option("--heaviest", type=click.IntRange(min=0), help="Conversations of the busiest user.")
@click.option(
    "--services",
    "service_count",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="The number of services.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same world.")
@click.option(
    "--odd-identities", type=NumberRange(0, 1), default=0.05, show_default=True, metavar="SHARE",
    help="Share of users with slashes, blanks, emoji or control characters in their identity.",
)  # fmt: skip
@click.option("--world", "world_file", type=click.Path(path_type=Path), help="Load the world from this file instead.")
@click.option("--like", type=click.Path(path_type=Path),
              help="Behave as this JSON file says, except for --fault and --behaviour.")  # fmt: skip
@click.option("--dump", "dump_file", type=LocalPath(), help="Write the world to this file at the end.")
@click.option("--prerender", is_flag=True, help="Render every user's list before the first request; for benchmarks.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="NAME=VALUE",
    help="A fault to inject, such as latency_ms=120; may be repeated.",
)
@click.option(
    "--behaviour",
    "behaviours",
    multiple=True,
    metavar="NAME=VALUE",
    help="Undocumented behaviour, such as user_conversations.order=updated; may be repeated.",
)
def command(  # noqa: PLR0917 - click passes them by name
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
    """Serve a simulated Twilio Conversations on loopback until Ctrl-C or SIGTERM.

    As soon as it listens, the base URL is printed on stdout, and the variables to export on stderr. Faults can be
    changed while it runs: see /_simulator/faults and the simulator's README.
    """
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
