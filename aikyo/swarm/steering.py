"""Changes companions while they run: what they think with, their profile, their session."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import trio
from msgspec.structs import replace

from ..brain import check_provider
from ..companion import Profile
from ..companion.profile import load_again
from ..companion.session import Change, close
from ..errors import AikyoError, UsageError
from ..mesh import MeshError
from ..wire import Event
from .members import Member, Members
from .profile_watch import UNSEEN, settled, sight

__all__ = ["Reload", "Steering"]

log = logging.getLogger(__name__)

SWAPS_WITHIN = 60.0
"""Seconds that a person who asks for another session waits for it."""

Reload = Callable[[str, Profile], Profile]
"""What the file of a profile says now, for the companion of that name; see `load_again`."""


class Steering:
    """Gives companions other sessions, with something different in them, one change after the other.

    Args:
        members: the companions.
        emit: told of what is wrong with a profile.
        reload: reads a profile anew.
    """

    def __init__(
        self, members: Members, emit: Callable[[Event], None], *, reload: Reload = load_again
    ) -> None:
        self._members = members
        self._emit = emit
        self._reload = reload
        self._nursery: trio.Nursery | None = None

    async def run(self) -> None:
        """Follow the profiles' files, and do what is asked for; until cancelled."""
        by_file: dict[Path, list[Member]] = {}
        for member in self._members:
            by_file.setdefault(member.profile.file, []).append(member)
        async with trio.open_nursery() as self._nursery:
            for file, members in by_file.items():
                self._nursery.start_soon(self._follow, file, members)
            await trio.sleep_forever()

    async def change(self, member: Member, wishes: Mapping[str, str]) -> None:
        """Set something for a companion until the swarm ends; wait until it is so. For one that does not
        run it counts from its next start.

        Args:
            member: whose.
            wishes: by the keys of `SETTABLE`; an empty text takes back what was set.

        Raises:
            UsageError: a value is wrong; nothing is changed.
            AikyoError: it cannot be had; nothing is changed. Or it is not so yet after `SWAPS_WITHIN`,
                and still may be, as is also the case when this is cancelled.
        """
        if provider := wishes.get("provider"):
            check_provider(provider)
        await self._ask(member, partial(self._set, member, wishes))

    async def renew(self, member: Member) -> None:
        """Give a companion that runs a new session; wait until it has it.

        Raises:
            AikyoError: it does not run, or goes on with the old one; or as in `change`.
        """
        await self._ask(member, partial(self._renew, member))

    async def reread(self, member: Member) -> str:
        """Read the profile of a companion that is about to start anew.

        Returns:
            What is wrong with its file; nothing where it was taken. A notice tells of it when the file
            is saved, not once more here.
        """
        try:
            member.profile = await self._read(member)
        except UsageError as error:
            return _told((member,), str(error))
        return ""

    # Sessions ------------------------------------------------------------------------------------

    async def _set(self, member: Member, wishes: Mapping[str, str]) -> None:
        async with member.changing:
            wanted = {key: value or None for key, value in wishes.items()}
            overrides = replace(member.overrides, **wanted)
            names_model = bool(wishes.get("model") or wishes.get("small_model"))
            now = member.thinks_with
            may_be_offline = "provider" in wishes or (now is not None and now.label == "offline")
            runs = member.companion is not None
            if not runs or (names_model and may_be_offline):  # would it do?
                brain = await self._members.open_brain(member.profile, overrides)
                await close(brain)
                if names_model and brain.label == "offline":
                    raise UsageError("the offline brain has no models; set provider=… too")
            if runs and not await _swap(member, Change("model", overrides=overrides)):
                raise AikyoError("it has ended meanwhile")
            member.overrides = overrides

    async def _renew(self, member: Member) -> None:
        async with member.changing:
            if member.companion is not None:  # who asks may have mended what it rests for
                await member.companion.try_again()
            if not await _swap(member, Change("asked")):
                state = member.child.condition
                raise AikyoError(f"{member.name} has no session: it is {state}; see aikyo ps")

    async def _take(self, member: Member, profile: Profile) -> None:
        """The companion has this profile from now on, unless its session cannot be prepared."""
        async with member.changing:
            swapped = await _swap(member, Change("profile", profile=profile))
            member.profile = profile
            if swapped and member.node is not None:
                with suppress(MeshError):  # it ends, and says so itself
                    member.node.present_as(profile.presence(member.id))
        if member.child.condition == "failed":  # perhaps it was for what has been mended
            member.child.restart()

    async def _ask(self, member: Member, do: Callable[[], Awaitable[None]]) -> None:
        """Do it, whatever becomes of who asks."""
        if self._nursery is None:
            raise AikyoError("the swarm is not up yet; try again in a moment")
        failure: list[AikyoError] = []
        done = trio.Event()

        async def job() -> None:
            try:
                await do()
            except AikyoError as error:
                failure.append(error)
            except Exception as error:
                log.exception("a session of %s could not be prepared", member.name)
                failure.append(AikyoError(f"a bug in aikyo: {error!r}"))
            finally:
                done.set()

        before = _state(member)
        self._nursery.start_soon(job)
        with trio.move_on_after(SWAPS_WITHIN):
            await done.wait()
            if failure:
                told = f"{failure[0]}; {member.name} {before}"
                raise UsageError(told) if isinstance(failure[0], UsageError) else AikyoError(told)
            return
        raise AikyoError(f"it takes longer than {SWAPS_WITHIN:.0f} s; until then {member.name} {before}")

    # Profiles ------------------------------------------------------------------------------------

    async def _follow(self, file: Path, members: Sequence[Member]) -> None:
        """Take up what is saved in a profile; while it is wrong, its companions go on as they were."""
        seen, was_wrong = UNSEEN, False
        while True:
            seen = await settled(file, seen)
            problem, profiles = "", list[Profile]()
            try:
                if not seen.size:
                    raise UsageError(f"{file} is gone or empty")
                profiles = [await self._read(member) for member in members]
            except UsageError as error:
                problem = str(error)
            if await sight(file) != seen:  # saved while it was read, and read again once it is still
                seen = UNSEEN
                continue
            if problem:
                self._complain(members, problem)
                was_wrong = True
                continue
            async with trio.open_nursery() as nursery:
                for member, profile in zip(members, profiles, strict=True):
                    if was_wrong or not profile.says_the_same_as(member.profile):
                        nursery.start_soon(self._try, member, profile)
            was_wrong = False

    async def _try(self, member: Member, profile: Profile) -> None:
        try:
            await self._take(member, profile)
        except AikyoError as error:
            log.info("%s keeps its session: %s", member.name, error)  # an event has told why
        except Exception:
            log.exception("%s keeps its session", member.name)

    async def _read(self, member: Member) -> Profile:
        # In a thread: tools of the user's own are loaded with it
        return await trio.to_thread.run_sync(
            self._reload, member.name, member.profile, abandon_on_cancel=True
        )

    def _complain(self, members: Sequence[Member], problem: str) -> None:
        """Tell what is wrong with the profile of `members`, once."""
        told = _told(members, problem)
        if len(members) == 1:
            reason = told.removeprefix(members[0].name).lstrip()
            self._emit(Event(type="notice", companion=members[0].id, reason=reason))
        else:
            self._emit(Event(type="notice", reason=told))


def _told(members: Sequence[Member], problem: str) -> str:
    """What is wrong with the profile of `members`, with their names."""
    names = ", ".join(member.name for member in members)
    return f"{names} {'keeps' if len(members) == 1 else 'keep'} the profile as it was: {problem}"


async def _swap(member: Member, change: Change) -> bool:
    """Another session for what runs of a companion; False when nothing does, or it has ended meanwhile.

    Raises:
        AikyoError: it cannot be prepared; the companion goes on with the one it has.
    """
    if member.companion is None:
        return False
    sessions = member.companion.sessions
    try:
        await sessions.renew(change)
    except AikyoError:
        if not sessions.is_over:
            raise
        return False
    return True


def _state(member: Member) -> str:
    brain = member.thinks_with
    return f"keeps {brain.label}" if brain and member.companion else "stays as it was"
