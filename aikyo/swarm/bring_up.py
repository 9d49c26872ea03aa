"""Brings a swarm up in the foreground, and down again within two seconds."""

from __future__ import annotations

import importlib
import logging
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from random import Random

import trio

from ..brain import Brain, check_provider
from ..brain.cost import Ledger
from ..brain.prompts import Prompts
from ..brain.recording import VERSION, Header, Recorder, RecordingBrain, read_recording
from ..companion import Profile, Trust, choose_profiles, profile_dirs
from ..companion.profile import load_again
from ..companion.session import Overrides
from ..config import Checks, Settings, load_settings
from ..embeddings import choose_embedder
from ..errors import leaves
from ..firehose import Subscription
from ..memory.care import note_recording
from ..mesh import Mesh
from ..mesh.finding.bootstrap import parse_bootstrap
from ..mesh.network_key import read_network_key
from ..paths import Home
from ..toml import read_toml
from ..wire import Dialect, Event
from .brains import Brains
from .lock import hold_home
from .logs import log_to_home
from .members import OpenBrain
from .swarm import Swarm

__all__ = ["View", "bring_up"]

log = logging.getLogger(__name__)

CHECKS: Checks = {
    "bootstrap": lambda peers: [parse_bootstrap(peer) for peer in peers],
    "brain": check_provider,
    "embedder": choose_embedder,
}
"""Of settings that the layer of settings does not understand."""

_SECRETS = ("KEY", "TOKEN", "SECRET", "PASSWORD")
"""How the names of environment variables end that hold what nobody else is to know."""

View = Callable[[Swarm, Subscription], Awaitable[None]]
"""Shows a swarm and all that happens in it; when it returns, the swarm ends."""


async def bring_up(
    home: Home,
    view: View,
    *,
    flags: Mapping[str, object],
    environ: Mapping[str, str],
    cwd: Path,
    seconds: float | None = None,
    trust: bool = False,
    debug: bool = False,
    record: Path | None = None,
    replay: Path | None = None,
) -> signal.Signals | None:
    """Bring a swarm up and keep it until a signal, `stop`, the end of the view or of `seconds`.

    Args:
        home: where it lives; locked meanwhile.
        view: what shows it.
        flags: settings that were given as flags.
        environ: the environment.
        cwd: where `aikyo.toml` and `profiles` are looked for.
        seconds: after which it ends by itself.
        trust: use Python tools that profiles of `cwd` name, from now on.
        debug: log more.
        record: where to keep every call of every brain; made anew.
        replay: a recording to play in place of every brain. Whom it names, its topic and its seed are
            taken where no flag names others.

    Returns:
        The signal that ended it, if one did.

    Raises:
        UsageError: a setting, a profile, a prompt, a recording, the home or a port is wrong.
    """
    recording = None if replay is None else read_recording(replay)
    if recording is not None:
        flags = _as_then(recording.header.settings(), flags)
    settings = load_settings(home, cwd=cwd, environ=environ, flags=flags, checks=CHECKS)
    if trust:
        Trust.remember(home, cwd)
    explicit = bool(flags.get("profiles_dir") or environ.get("AIKYO_PROFILES_DIR"))
    trusted = _trust(home, cwd, settings.profiles_dir, explicit=explicit)
    cast = choose_profiles(
        settings.companions,
        settings.profiles,
        profile_dirs(home, cwd=cwd, given=settings.profiles_dir),
        trusted,
    )
    key_file = settings.network_key
    network_key = None if key_file is None else read_network_key(Path(key_file))
    seed = settings.seed
    if record is not None and seed is None:
        seed = Random().randrange(1 << 31)  # known, so that who plays it back can draw the same
    seeded = partial(_chance, seed)
    given = {key for key, value in flags.items() if value is not None}
    prompts = Prompts(home.prompts)
    ledger = Ledger.of(home.usage, settings)
    brains = Brains(
        settings,
        given,
        environ=environ,
        seeded=seeded,
        prompts=prompts,
        recording=recording,
        ledger=ledger,
    )
    caught: list[signal.Signals] = []
    names = [name for name, _ in cast]
    header = Header(recording=VERSION, cast=tuple(names), topic=settings.topic, seed=seed)
    with (
        hold_home(home),
        _recorder(record, header, environ) as recorder,
        note_recording(home, record),
    ):
        log_to_home(home, debug=debug)
        ledger.load()  # before anything is spent
        async with trio.open_nursery() as nursery:
            await nursery.start(_end_on_signal, nursery.cancel_scope, caught)
            async with await _make_mesh(settings, home, network_key, seeded("mesh")) as mesh:
                open_brain = brains.open if recorder is None else _recorded(brains.open, recorder)
                swarm = Swarm(
                    settings,
                    home,
                    cast,
                    open_brain,
                    mesh=mesh,
                    clock=time.time,
                    seeded=seeded,
                    reload=partial(load_again, trust=trusted),
                    ledger=ledger,
                    recorder=recorder,
                )
                with swarm.hub.subscribe() as envelopes:
                    nursery.start_soon(_show, view, swarm, envelopes, nursery.cancel_scope)
                    swarm.hub.emit(Event(type="notice", reason=brains.reason))
                    if recorder is not None:
                        nursery.start_soon(recorder.keep, partial(_notice, swarm))
                    with trio.move_on_after(float("inf") if seconds is None else seconds):
                        await swarm.run()
            nursery.cancel_scope.cancel()
    return caught[0] if caught else None


def _as_then(then: Mapping[str, object], flags: Mapping[str, object]) -> dict[str, object]:
    """The flags, and what a recording tells of those that were not given. Who names companions names
    them all."""
    given = {key: value for key, value in flags.items() if value is not None}
    if given.keys() & {"companions", "profiles"}:
        then = {key: value for key, value in then.items() if key not in {"companions", "profiles"}}
    return {**then, **given}


def _recorder(
    file: Path | None, header: Header, environ: Mapping[str, str]
) -> Recorder | nullcontext[None]:
    if file is None:
        return nullcontext()
    keys = [value for name, value in environ.items() if name.upper().endswith(_SECRETS)]
    return Recorder(file, header, keys=keys)


def _recorded(open_brain: OpenBrain, recorder: Recorder) -> OpenBrain:
    def opened(profile: Profile, overrides: Overrides) -> Brain:
        brain = open_brain(profile, overrides)
        return RecordingBrain(brain, profile.metadata.id, recorder, clock=time.time)

    return opened


def _notice(swarm: Swarm, reason: str) -> None:
    swarm.hub.emit(Event(type="notice", reason=reason))


def _trust(home: Home, cwd: Path, profiles_dir: str | None, *, explicit: bool) -> Trust:
    """Whose Python tools are used. A folder of profiles that `./aikyo.toml` names is found through the
    current folder, and counts only where that is trusted."""
    trust, here = Trust.of(home), cwd / "aikyo.toml"
    if profiles_dir is None:
        return trust
    named_here = not explicit and here.is_file() and "profiles_dir" in read_toml(here).data
    return trust if named_here and not trust.covers(here) else Trust.of(home, Path(profiles_dir))


def _chance(seed: int | None, purpose: str) -> Random:
    """A source of chance for one purpose; with one for all, what one does would change all others."""
    return Random() if seed is None else Random(f"{seed} {purpose}")


async def _make_mesh(settings: Settings, home: Home, network_key: bytes | None, random: Random) -> Mesh:
    # In a thread, since the import takes seconds and a signal should end us at once meanwhile
    await trio.to_thread.run_sync(importlib.import_module, "aikyo.mesh.libp2p", abandon_on_cancel=True)
    from ..mesh.libp2p import Libp2pMesh, MeshOptions

    options = MeshOptions(
        name=settings.mesh,
        listen=settings.listen,
        port=settings.mesh_port,
        bootstrap=settings.bootstrap,
        network_key=network_key,
        roster_file=home.roster,
        dialect=Dialect(settings.wire),
    )
    return Libp2pMesh(options, clock=time.time, random=random)


async def _show(view: View, swarm: Swarm, envelopes: Subscription, scope: trio.CancelScope) -> None:
    try:
        await view(swarm, envelopes)
    except Exception as error:
        if not isinstance(leaves(error)[0], OSError):
            log.exception("the view has failed; the swarm goes on unseen")
            return
        # Nobody is there to see it any more
    scope.cancel()


async def _end_on_signal(
    scope: trio.CancelScope,
    caught: list[signal.Signals],
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    # Not KeyboardInterrupt, which would land in whatever task happens to run
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for number in signals:
            caught.append(signal.Signals(number))
            scope.cancel()
