"""One turn told in plain words: who wanted to speak, who did, and why. Pure but for the time zone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from ..conversation.ranking import UNASKED
from ..text import clip, inert, wrap

if TYPE_CHECKING:
    from ..memory import Entry, Fact
    from ..wire import Claim, Offer, TurnNote, TurnRecord

__all__ = ["turn_line", "turn_lines"]

_LATEST = 250_000_000_000.0  # in the year 9892; a clock may be wrong by any amount
_LONGEST = 400
_ALIKE = 0.1  # from here on it is worth telling
_ID_END = 8
_NARROW = 24

_ENDINGS = {
    "closed": "the talk had wound down and is closed",
    "nobody-wanted": "nobody had more to say",
    "limit": "whoever wanted to has used up the turns it may take (turns_per_talk, turns_per_hour)",
    "interrupted": "a person spoke to whoever was about to",
    "no-quorum": "no companion that could have was there, or was heard of in time",
    "quiet": "whoever could have was asked to be quiet, or to speak only when turned to "
    "(aikyo quiet NAME --mode normal ends that)",
    "brain-failed": "the brain failed (aikyo ps shows more)",
    "spent": "whoever could have may spend no more on thinking for now (aikyo usage shows the caps)",
    "superseded": "somebody went on with the talk first",
}
_REASONS = {
    "had-say": "it has had its say since a person last spoke",
    "limit": "it has used up the turns it may take",
    "quiet": "it was asked to be quiet, or to speak only when turned to",
    "brain-failed": "its brain failed",
    "spent": "it may spend no more on thinking for now",
    "interrupted": "a person spoke to it meanwhile",
    "closed": "the talk is over for it",
    "busy": "it was speaking elsewhere",
}
_OPENINGS = {
    "silence": "nothing had been said for a while",
    "newcomer": "somebody had come",
    "context": "of what went on around it",
    "asked": "it was asked to",
}


def turn_lines(
    turn: TurnRecord,
    texts: Mapping[str, Entry],
    facts: Mapping[tuple[str, str], Fact] = MappingProxyType({}),
    *,
    width: int,
    color: bool = False,
) -> list[str]:
    """A turn from its message to its end.

    Args:
        turn: its record.
        texts: what this home remembers of the ids that the record names.
        facts: what it knows, by the companion that does and the fact's number (``f12``).
        width: cells of a line.
        color: with ANSI codes.
    """
    width = max(width, _NARROW)
    lines = [*_opening(turn, texts, width)]
    lines += ["", *_section(_outcome(turn), width, color), *_answers(turn, texts, width)]
    if turn.offers or turn.invited or turn.claims:
        lines += ["", *_section("Who was asked, as they were ranked:", width, color)]
        lines += _offers(turn, width)
    for note in turn.notes:
        if told := list(_note(note, texts, facts)):
            lines += ["", *_section(f"What {_name(note.companion)} knew:", width, color)]
            lines += [line for text in told for line in _item("-", text, width)]
    return lines


def turn_line(turn: TurnRecord, width: int | None) -> str:
    """The same on one line: when, who, what came of it, and the id; cut to `width` cells if given."""
    if turn.answers:
        came = f"answered by {_names(turn.answered_by)} {_after(turn.seconds)}"
    else:
        came = turn.outcome or "goes on"
    whom = _names(turn.to) or "all"
    line = f"{_time(turn.time)}  {_name(turn.sender)} → {whom}: {came}"
    ident = inert(turn.message_id)
    if width is None:
        return f"{line}  {ident}"
    end = f"…{ident[-_ID_END:]}"
    return f"{clip(line, max(width - len(end) - 2, 1))}  {end}"


def _section(text: str, width: int, color: bool) -> list[str]:
    return [f"\x1b[1m{line}\x1b[0m" if color else line for line in wrap(text, width)]


def _opening(turn: TurnRecord, texts: Mapping[str, Entry], width: int) -> list[str]:
    who = f"{_name(turn.sender)}{' (a person)' if turn.by_person else ''}"
    said = f"{_time(turn.time)}  {who} said to {_names(turn.to) or 'all'}:"
    more = [f"id {inert(turn.message_id)}, message {turn.length} of its talk"]
    if turn.closing != "none":
        more.append(f"the talk was at {turn.closing}")
    if turn.repeats >= _ALIKE:
        more.append(f"{turn.repeats:.0%} like something said before")
    return [
        *wrap(said, width),
        *_quote(turn.message_id, texts, width),
        *_indented("; ".join(more), width),
    ]


def _outcome(turn: TurnRecord) -> str:
    match turn:
        case _ if turn.answers and turn.outcome == "answered":
            pause = f", having let it be read for {_seconds(turn.pause)}" if turn.pause else ""
            return f"{_name(turn.answered_by[0])} answered {_after(turn.seconds)}{pause}:"
        case _ if turn.answers:
            return f"{_name(turn.answered_by[0])} answered when somebody else had gone on already:"
        case _ if not turn.outcome:
            return "Nobody has answered yet; the turn goes on."
        case _ if (
            not turn.offers and not turn.invited and turn.outcome in {"nobody-wanted", "no-quorum"}
        ):
            return f"Nobody answered: no companion was {'there' if turn.by_person else 'spoken to'}."
        case _:
            return f"Nobody answered: {_ENDINGS.get(turn.outcome, inert(turn.outcome))}."


def _answers(turn: TurnRecord, texts: Mapping[str, Entry], width: int) -> Iterator[str]:
    for number, (ident, who) in enumerate(zip(turn.answers, turn.answered_by, strict=False)):
        if number:
            yield from wrap(f"{_name(who)} answered too, which is one too many:", width)
        yield from _quote(ident, texts, width)
        yield from _indented(f"id {inert(ident)}", width)


def _offers(turn: TurnRecord, width: int) -> Iterator[str]:
    claims = {claim.who: claim for claim in turn.claims}
    rank = 0
    for offer in sorted(turn.offers, key=_place):
        ranked = offer.state == "speak" and not _is_uncalled_for(offer, turn)
        rank += ranked
        text = _wanted(offer) if offer.state == "speak" else _listened(offer)
        if _is_uncalled_for(offer, turn):
            text += f": not counted, since whoever was asked has answered, and under {UNASKED:g}"
        yield from _item(f"{rank}." if ranked else "-", text + _claimed(offer.who, claims), width)
    heard = {offer.who for offer in turn.offers}
    for who in (who for who in dict.fromkeys((*turn.invited, *claims)) if who not in heard):
        why = " and left the mesh" if who in turn.left else ""
        yield from _item("-", f"{_name(who)} said nothing in time{why}{_claimed(who, claims)}", width)


def _place(offer: Offer) -> tuple[bool, bool, float]:
    """Those who were ranked first, as they come; then who else wanted to speak, and how much."""
    unranked = offer.score is None
    return offer.state != "speak", unranked, -offer.importance if unranked else 0.0


def _is_uncalled_for(offer: Offer, turn: TurnRecord) -> bool:
    """Whether it comments on what somebody else was asked and has answered; see `ranking`."""
    uncalled = offer.score is None and not offer.selected and offer.importance < UNASKED
    return uncalled and offer.state == "speak" and turn.outcome == "nobody-wanted"


def _wanted(offer: Offer) -> str:
    facts = [f"{offer.importance:g} of 10"]
    if offer.selected:
        facts.append("it was turned to")
    if offer.score is not None:
        facts.append(f"score {offer.score:.1f}")
    said = f"{_name(offer.who)} wanted to speak {_after(offer.after)} ({', '.join(facts)})"
    if not offer.gave_up:
        return said
    reason = _REASONS.get(offer.reason, inert(offer.reason))
    return f"{said}, and let the turn pass" + (f": {reason}" if reason else "")


def _listened(offer: Offer) -> str:
    reason = _REASONS.get(offer.reason, inert(offer.reason))
    turned = "; it was turned to" if offer.selected else ""
    did = f"held back: {reason}" if reason else "did not want to speak"
    return f"{_name(offer.who)} {did}{turned}"


def _claimed(who: str, claims: Mapping[str, Claim]) -> str:
    if who not in claims:
        return ""
    claim = claims[who]
    contested = ", though somebody had it" if claim.contested else ""
    return f"; took the turn {_after(claim.after)}{contested}"


def _note(
    note: TurnNote, texts: Mapping[str, Entry], facts: Mapping[tuple[str, str], Fact]
) -> Iterator[str]:
    if note.opening:
        yield f"it began the talk because {_OPENINGS.get(note.opening, inert(note.opening))}"
    for fired in note.fired:
        yield (
            f"condition {fired.number} held ({inert(fired.expression)}), "
            f"so {inert(fired.tool)} was told: {clip(inert(fired.instruction), _LONGEST)}"
        )
    if note.params:
        yield "parameters: " + ", ".join(f"{inert(k)} {_value(v)}" for k, v in note.params.items())
    for ident in note.recalled:
        if fact := facts.get((note.companion, ident)):
            yield f"knew ({ident}): {clip(inert(fact.text), _LONGEST)}"
        else:
            yield f"recalled {_remembered(ident, texts)}"
    yield from (f"perceived {_remembered(ident, texts)}" for ident in note.perceived)
    if note.seconds:
        brain = f" with {inert(note.brain)}" if note.brain else ""
        session = f", in session {note.session}" if note.session else ""
        yield f"composed for {_seconds(note.seconds)}{brain}{session}"
    if note.reason:
        yield f"it said nothing: {_REASONS.get(note.reason, clip(inert(note.reason), _LONGEST))}"


def _remembered(ident: str, texts: Mapping[str, Entry]) -> str:
    entry = texts.get(ident)
    if entry is None:
        return f"{inert(ident)}, which is not in this home"
    text = clip(inert(entry.text), _LONGEST)
    return f"{_name(entry.sender)}, {_date(entry.time)}: {text}"


def _quote(ident: str, texts: Mapping[str, Entry], width: int) -> list[str]:
    entry = texts.get(ident)
    said = clip(inert(entry.text), _LONGEST) if entry else "(the words are not in this home)"
    return _indented(said, width)


def _indented(text: str, width: int) -> list[str]:
    return [f"  {line}" for line in wrap(text, width - 2)]


def _item(mark: str, text: str, width: int) -> list[str]:
    first, *more = wrap(text, width - 5)
    return [f"  {mark:<2} {first}", *(f"     {line}" for line in more)]


def _names(idents: Iterable[str]) -> str:
    return ", ".join(map(_name, idents))


def _name(ident: str) -> str:
    from ..wire import bare_name

    return inert(bare_name(ident))


def _value(value: object) -> str:
    """As a profile writes it."""
    return str(value).lower() if isinstance(value, bool) else inert(str(value))


def _after(seconds: float) -> str:
    return "at once" if seconds < 0.05 else f"after {_seconds(seconds)}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"


def _time(time: float) -> str:
    return f"{_when(time):%H:%M:%S}"


def _date(time: float) -> str:
    return f"{_when(time):%Y-%m-%d %H:%M}"


def _when(time: float) -> datetime:
    return datetime.fromtimestamp(min(max(time, 0.0), _LATEST)).astimezone()
