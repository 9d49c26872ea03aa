"""What a leader says of the others: a State by rule, from what was said, without a brain. Pure."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence

from msgspec.structs import replace

from ..wire import Closing, Message, State
from .hearing import asks, turns_to
from .talk import Talk
from .turns import Turn

__all__ = ["judge", "judge_all"]

_TURNED_TO, _ASKED, _USUAL, _JUST_SPOKE = 8.0, 6.0, 4.0, 1.5


def judge_all(
    turn: Turn, talk: Talk, own: State, *, name_of: Callable[[str], str], there: Container[str]
) -> tuple[State, ...]:
    """A State for every recipient of the turn's message, in its order.

    Args:
        turn: the turn.
        talk: its conversation.
        own: the leader's own State, by its brain.
        name_of: what somebody is called.
        there: the companions that are on the mesh.
    """
    found = []
    for who in dict.fromkeys(turn.message.to):
        if who == own.sender:  # whoever is selected speaks, whether it wants to or not
            found.append(replace(own, selected=own.selected and own.state == "speak"))
            continue
        found.append(
            judge(
                turn.message,
                who,
                (name_of(who),),
                may_speak=who in there and not talk.refusal(who),
                recent=[spoken.sender for spoken in turn.recent],
                closing=talk.closing,
            )
        )
    return tuple(found)


def judge(
    message: Message,
    who: str,
    names: Sequence[str],
    *,
    may_speak: bool,
    recent: Sequence[str] = (),
    closing: Closing = Closing.NONE,
) -> State:
    """The State of `who` for `message`, as somebody else sees it.

    Whoever is turned to, by name or alone, is selected; a question asks everybody; and whoever has just
    spoken makes room.

    Args:
        message: what was said.
        who: the id of one of its recipients.
        names: what that one is called by, besides its bare id.
        may_speak: whether it is a companion that is there and may speak again in this talk.
        recent: the senders of the talk's latest messages, oldest first, this one's last.
        closing: how far the talk has wound down.
    """
    if not may_speak or who == message.sender:
        return State(sender=who, message_id=message.id, state="listen", closing=closing)
    selected = turns_to(message, who, names)
    importance = _TURNED_TO if selected else _ASKED if asks(message.message) else _USUAL
    if not selected:
        importance -= _JUST_SPOKE * sum(sender == who for sender in recent[:-1][-4:])
    return State(
        sender=who,
        message_id=message.id,
        state="speak" if importance > 0 else "listen",
        importance=max(0.0, importance),
        selected=selected,
        closing=closing,
    )
