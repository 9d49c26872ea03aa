"""How English asks for quiet, and gives leave to talk again. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ..wire import MAX_QUIET, QuietMode
from .durations import take_duration
from .quiet_wishes import Clauses, Trail, Wish

__all__ = ["spoils", "trail", "wish"]

_ALL = "you guys|you all|you two|you both|all of you|both of you|y'all|you|everyone|everybody"
_YOU = rf"(?:{_ALL}|we)"
_QUIET = r"(?:(?:very|really|completely|totally|absolutely) )?(?:quiet|silent)"
_TALK = r"(?:talk|speak|chat|answer|reply|respond|chime in|say something)"

_HUSH = (
    rf"(?:be|keep|stay|remain|go) {_QUIET}|quiet down|shut (?:the \w+ )?up|shut it|pipe down|zip it"
    r"|shut your (?:mouth|trap)s?|hush(?: up)?|sh+|shush|hold your tongues?|mute(?: yoursel(?:f|ves))?"
    r"|(?:stop|quit) (?:talking|speaking|chatting|chattering|yapping|babbling)"
    r"|(?:don't|do not) (?:talk|speak|say (?:anything|a word|another word))"
    r"|no (?:more )?talking|not (?:a|another|one more) word"
)
_HUSHING = r"(?:being|keeping|staying) (?:quiet|silent)|not (?:talking|speaking)|shutting up"
_HUSHED = r"(?:were|kept|stayed) (?:quiet|silent)|stopped talking|didn't (?:talk|speak)"
_CALLED = (
    r"(?:(?:i|we|someone|somebody|anyone|anybody)"
    r" (?:calls?|mentions?|asks?|address(?:es)?|names?|talks? to|speaks? to|calls? on) (?:you|your name)"
    r"|(?:i|we) say your name|(?:i|we) (?:want|need) you"
    r"|(?:you are |you're |you get )?"
    r"(?:called|mentioned|asked|addressed|named|spoken to|talked to)(?: on)?"
    r"|your name is (?:called|mentioned|said))(?: directly| by (?:your )?name)?"
)
_ASKED = re.compile(
    rf"(?:(?:can|could|will|would|can't|won't) {_YOU} |would it be possible (?:for you )?to )"
    r"(?:(?:please|just|kindly|maybe|all|both|perhaps) )*"
)
_TOLD = re.compile(
    rf"(?:you(?: all)? (?:must|should|need to|have to|had better|better)|you'd better"
    rf"|i(?: need| want| would like|'d like| asked| told) {_YOU} to|i said(?: to)?"
    r"|let's(?: all| both)?|let us(?: all| both)?) (?:(?:please|just|all) )*"
)
_SPEAK_WHEN = (
    rf"(?:only|just) {_TALK}(?: to me| me)? (?:when|if|once) {_CALLED}"
    r"|speak when (?:you're |you are )?spoken to"
    rf"|{_TALK}(?: to me| me)? only (?:when|if|once) {_CALLED}"
    rf"|(?:don't|do not) (?:answer|reply|respond) (?:unless|until|till) {_CALLED}"
)
_LOOSE = r"(?:again|now|freely|normally|once more|as (?:usual|before|(?:much as )?you (?:like|want)))"
_LEAVE = (
    rf"(?:{_ALL}) (?:can|may) (?:all |both )?{_TALK}(?: to (?:me|us|each other))? {_LOOSE}"
    rf"|(?:{_ALL}) (?:can|may) (?:now|again) {_TALK}"
    rf"|(?:you're|you are) (?:(?:allowed|free|welcome) to|no longer muted)(?: {_TALK})?"
    rf"|(?:feel free|it's (?:ok|okay|fine|all right|alright)(?: for you)?) to {_TALK}"
    rf"|(?:talk|speak|chat)(?: to (?:me|us|each other))? {_LOOSE}"
    rf"|(?:(?:{_ALL}) (?:can|may) )?(?:start (?:talking|speaking) again|resume talking)"
    rf"|(?:{_ALL}) may (?:talk|speak)"
    r"|(?:you (?:don't|do not) (?:have|need) to|you needn't|(?:there's )?no need to)"
    r" (?:be|stay|keep) (?:quiet|silent)"
    r"|(?:you (?:can|may) )?stop (?:being|keeping|staying) (?:so )?(?:quiet|silent)"
    r"|(?:don't|do not) be (?:so )?(?:quiet|silent)|(?:you can |you may )?unmute(?: yourself)?"
)

_WISHES: tuple[tuple[re.Pattern[str], QuietMode], ...] = (
    (re.compile(rf"(?:{_SPEAK_WHEN}|mentions?[- ]only(?: mode)?)(?!\w)"), "mention-only"),
    (re.compile(rf"(?:{_LEAVE})(?!\w)"), "normal"),
    (re.compile(rf"(?:{_HUSH})(?!\w)"), "quiet"),
)
_POLITE = re.compile(
    rf"(?:would you mind|do you mind) (?:{_HUSHING})(?!\w)"
    r"|i(?: would|'d) (?:appreciate it|be (?:glad|grateful|happy)|like it|love it|prefer it)"
    rf" if you(?: could| would| can|'d)? (?:{_HUSHED}|{_HUSH})(?!\w)"
)
_GIVE = re.compile(
    r"(?P<give>(?:please )?(?:give (?:me|us)|let (?:me|us) have|(?:can|could|may) (?:i|we) have) )?"
    r"(?P<want>i (?:need|want|would like) |i'd like )?"
)
_OF_QUIET = re.compile(
    r"(?:of |some |a (?:little|bit of|moment of) )?(?:peace and )?(?:quiet|silence)(?!\w)"
)
_WORD = (
    r"(?P<calls>(?:(?:please|hey|ok|okay|everyone|everybody|guys|kids{names})[,:]? )*)"
    r"(?:quiet(?: mode)?|silence)(?!\w)"
)

_FILLERS = (
    "or so|please|pls|plz|hey|hi|hello|ok|okay|oh|ah|ugh|alright|all right|right|well|so|now|just|kindly"
    "|sorry|excuse me|no|yes|yeah|yep|then|and|but|do|seriously|honestly|look|thanks|thank you|maybe"
    "|from now on|for now|right now|for once|again|already|too|immediately|at once|for me|for us"
    "|everyone|everybody|all|guys|folks|people|friends|girls|boys|ladies|kids|team|dear|honey"
    "|sweetie|you guys|you all|you two|you both|you lot|all of you|both of you|y'all|you|anymore"
    "|any more|any longer|if you like|if you want|if you don't mind|if you can|if you could"
    "|if you would|if you please|will you|would you|can you|could you|won't you|forever|for ever"
    "|indefinitely|i beg you|for god's sake|for heaven's sake|for goodness sake|in here"
)
_FOR = re.compile(r"(?:for|during|over|within)? ?")
_UNTIL_CALLED = re.compile(
    rf"(?:(?:until|till|'?til|unless|except (?:when|if)|unless and until) {_CALLED})(?!\w)"
)
_UNTIL_LATER = re.compile(
    r"(?:until|till|'?til|by)"
    r" (?:tomorrow|tonight|noon|midnight|lunch|dinner|(?:the )?(?:morning|evening)|\d).*"
)
_REASON = re.compile(
    r"(?:(?:until|till|'?til) (?:i|we|you|my|our|the|this|it|he|she|they|told|further|someone|somebody)"
    r"|while|because|cause|or else|or i|since i|as i|so (?:that )?(?:i|we|my|our)"
    r"|i(?:'m|'ve| am| have| need| want| can't| cannot| don't)|we(?:'re| are)|my"
    r"|and (?:listen|wait|let me))\b.*"
)
_SAYING = (
    r"\b(?:said|says|tells?|told|asks?|asked|shouted|shouts|yelled|yells|whispered|wrote|writes|reads|goes"
    r"|went like|was like|were like|sang|sings|thinks|thought|called|titled)\b"
)
_MYSELF = re.compile(r"(?:as |like )?i (?:said|say|told you|asked you|already said|already told you)\b")
_CONDITION = re.compile(
    r"(?:if|when|whenever|once|after|before|unless|as soon as|every time|in case|suppose|imagine"
    r"|in|at|on|during|inside)\b"
)


def wish(clause: str, said: Clauses) -> Wish | None:
    """The wish that `clause` is; see `quiet_wishes.Rules`."""
    words = _words(said.names)
    lead = Trail()
    if not said.asked and (word := words.alone.match(clause)) is not None:
        rest = _trail(clause[word.end() :], words)
        if rest is not None:
            return Wish("quiet", rest, weak=word.group() == clause and not word["calls"])
    while clause:
        if (found := _wish(clause, said, words)) is not None:
            return Wish(found.mode, found.trail | lead, found.weak)
        if filler := words.fillers.match(clause):
            clause = clause[filler.end() :]
        elif clause.startswith("for ") and (taken := take_duration(clause[4:])) is not None:
            lead, clause = lead | Trail(taken[0]), taken[1]
        else:
            return None
    return None


def trail(clause: str, names: tuple[str, ...]) -> Trail | None:
    """What `clause` adds to a wish beside it; see `quiet_wishes.Rules`."""
    return _trail(clause, _words(names))


def spoils(clause: str, *, before: bool, names: tuple[str, ...]) -> bool:
    """Whether `clause` shows that a wish beside it is none; see `quiet_wishes.Rules`."""
    if _MYSELF.match(clause) or trail(clause, names) is not None:
        return False
    return re.search(_SAYING, clause) is not None or (before and _CONDITION.match(clause) is not None)


def _wish(clause: str, said: Clauses, words: _Words) -> Wish | None:
    found = _given(clause, words)
    if found is not None:
        return found
    if (whole := _POLITE.match(clause)) is not None:
        rest = _trail(clause[whole.end() :], words)
        return None if rest is None else Wish("quiet", rest)
    asked = _ASKED.match(clause)
    told = asked or _TOLD.match(clause)
    core = clause[told.end() :] if told else clause
    for pattern, mode in _WISHES:
        if (match := pattern.match(core)) is None:
            continue
        rest = _trail(core[match.end() :], words)
        # "Be quiet?" asks whether that was heard right, and "you can talk again?" whether it is so
        if rest is None or (told and mode == "normal"):
            continue
        if not said.asked or asked or _is_tagged(said.texts[-1]):
            return Wish(mode, rest)
    return None


def _given(clause: str, words: _Words) -> Wish | None:
    """``Give me ten minutes of silence``."""
    lead = _GIVE.match(clause)
    rest = clause[lead.end() :] if lead else clause
    taken = take_duration(rest)
    seconds, rest = taken if taken is not None else (None, rest)
    of = _OF_QUIET.match(rest)
    given = lead is not None and bool(lead["give"] or (lead["want"] and seconds))
    if of is None or not (given or seconds):
        return None
    after = _trail(rest[of.end() :], words)
    return None if after is None else Wish("quiet", Trail(seconds) | after, weak=not given)


def _is_tagged(clause: str) -> bool:
    return (
        re.search(r"(?:please|ok|okay|alright|(?:will|would|can|could|won't) you)$", clause) is not None
    )


def _trail(rest: str, words: _Words) -> Trail | None:
    found = Trail()
    rest = rest.strip()
    while rest:
        if called := _UNTIL_CALLED.match(rest):
            found, rest = found | Trail(mention=True), rest[called.end() :].lstrip()
        elif _UNTIL_LATER.match(rest):  # no clock here: it is not for longer than that
            return found | Trail(MAX_QUIET)
        elif _REASON.match(rest):
            return found
        elif filler := words.fillers.match(rest):
            rest = rest[filler.end() :]
        elif (lead := _FOR.match(rest)) and (taken := take_duration(rest[lead.end() :])) is not None:
            found, rest = found | Trail(taken[0]), taken[1]
        else:
            return None
    return found


@dataclass(frozen=True, slots=True)
class _Words:
    """Patterns in which names may stand: `fillers` is one word beside the point, with the space after
    it; `alone` is one that asks for quiet by itself, with whom it calls."""

    fillers: re.Pattern[str]
    alone: re.Pattern[str]


@lru_cache(32)
def _words(names: tuple[str, ...]) -> _Words:
    known = [re.escape(name) for name in names]
    fillers = "|".join(sorted((*_FILLERS.split("|"), *known), key=len, reverse=True))
    return _Words(
        fillers=re.compile(rf"(?:{fillers})(?![\w'])[:,]? *"),
        alone=re.compile(_WORD.format(names="".join(f"|{name}" for name in known))),
    )
