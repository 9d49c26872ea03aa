"""What a terminal shows of replies that grow: never two in one line, nothing twice, nothing unsafe."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from aikyo.client import Talk, Telling
from aikyo.wire import Delta, Envelope, Event, Message, Payload, State

SAID = Message(id="m-1", sender="user_mika", to=(), message="hi", conversation="c-1")


class Terminal:
    """A talk as it is shown."""

    def __init__(self, *, color: bool = False) -> None:
        self.talk = Talk(SAID)
        self.telling = Telling(self.talk, color=color)
        self.shown = ""

    def hear(self, body: Payload | Event | Delta | bytes, topic: str = "") -> str:
        """What is added to what is shown."""
        if isinstance(body, Delta):
            topic = "deltas"
        elif not isinstance(body, bytes):
            topic = "events" if isinstance(body, Event) else body.topic
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        added = self.telling.hear(Envelope(time=0, topic=topic, body=Raw(raw)))
        self.shown += added
        return added

    def types(
        self,
        name: str,
        text: str,
        end: str | None = None,
        *,
        number: int = 1,
        conversation: str = "c-1",
    ) -> str:
        return self.hear(
            Delta(
                id=f"{name}-{number}",
                sender=f"companion_{name}",
                conversation=conversation,
                text=text,
                end=end,  # type: ignore[arg-type]  # one of them
            )
        )

    def says(self, name: str, text: str, *, number: int = 1, **fields: str) -> str:
        known = {"conversation": "c-1"} | fields
        return self.hear(
            Message(id=f"{name}-{number}", sender=f"companion_{name}", message=text, **known)
        )

    def end(self) -> str:
        self.shown += self.telling.end()
        return self.shown


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


def test_a_reply_appears_as_it_is_composed(terminal: Terminal) -> None:
    assert terminal.types("alice", "It is") == "alice: It is"
    assert terminal.types("alice", " late") == " late"
    assert terminal.types("alice", ".", "said") == ".\n"
    assert terminal.says("alice", "It is late.") == ""
    assert terminal.end() == "alice: It is late.\n"
    assert terminal.talk.replies == 1


def test_the_message_may_come_before_the_end_of_its_draft(terminal: Terminal) -> None:
    terminal.types("alice", "It is")
    assert terminal.says("alice", "It is late.") == " late.\n"
    assert terminal.types("alice", " late.", "said") == ""
    assert terminal.end() == "alice: It is late.\n"


def test_without_deltas_replies_come_whole(terminal: Terminal) -> None:
    assert terminal.says("alice", "It is late.") == "alice: It is late.\n"
    assert terminal.types("alice", "late.", "said") == ""
    assert terminal.end() == "alice: It is late.\n"


@pytest.mark.parametrize(("end", "words"), [("interrupted", "(interrupted)"), ("dropped", "(not said)")])
def test_what_is_not_said_is_marked_and_the_next_has_a_line_of_its_own(
    terminal: Terminal, end: str, words: str
) -> None:
    terminal.types("alice", "It is")
    assert terminal.types("alice", "", end) == f" {words}\n"
    terminal.types("alice", "As I said", number=2)
    assert terminal.end() == f"alice: It is {words}\nalice: As I said …\n"
    assert terminal.talk.replies == 0


def test_two_at_once_are_shown_one_after_the_other(terminal: Terminal) -> None:
    terminal.types("alice", "It is")
    terminal.types("bob", "I think")
    terminal.types("alice", " late")
    terminal.says("bob", "I think so.")
    terminal.types("bob", " so.", "said")
    terminal.types("alice", ".", "said")
    terminal.says("alice", "It is late.")
    assert terminal.end() == "alice: It is late.\nbob: I think so.\n"


def test_the_second_goes_on_growing_when_the_first_is_done(terminal: Terminal) -> None:
    terminal.types("alice", "It is")
    terminal.types("bob", "I think")
    assert terminal.types("alice", "", "interrupted") == " (interrupted)\nbob: I think"
    assert terminal.types("bob", " so", None) == " so"


def test_a_line_that_never_ends_does_not_hold_up_all_others(terminal: Terminal) -> None:
    terminal.types("alice", "It is")
    for number in range(20):
        terminal.says("bob", f"word {number}", number=number)
    assert terminal.shown.startswith("alice: It is …\nbob: word 0\n")
    assert "bob: word 19\n" in terminal.shown
    assert terminal.says("alice", "It is late.") == "alice: It is late.\n"


def test_who_begins_anew_has_given_up_what_was_before(terminal: Terminal) -> None:
    terminal.types("alice", "It is")
    assert terminal.types("alice", "No", number=2) == " …\nalice: No"
    assert terminal.says("alice", "Yes.", number=3) == " …\nalice: Yes.\n"


@pytest.mark.parametrize("conversation", ["c-2", ""])
def test_what_is_composed_elsewhere_is_not_shown(terminal: Terminal, conversation: str) -> None:
    assert terminal.types("alice", "To somebody", conversation=conversation) == ""
    assert terminal.types("alice", " else", conversation=conversation) == ""
    assert terminal.says("alice", "To somebody else", conversation="c-2") == ""
    assert terminal.end() == ""


def test_who_takes_turns_in_several_talks_is_shown_in_each_what_is_said_there(
    terminal: Terminal,
) -> None:
    for of in ("m-elsewhere", "m-1"):
        terminal.hear(State(sender="companion_alice", message_id=of, state="composing"))
    terminal.types("alice", "To somebody else", conversation="c-2")
    assert terminal.types("alice", "It is", number=2) == "alice: It is"


def test_a_message_that_differs_from_its_draft_is_shown_whole(terminal: Terminal) -> None:
    terminal.types("alice", "middle of it")  # as for somebody who came late
    terminal.says("alice", "The beginning, and the middle of it.")
    assert terminal.end() == "alice: middle of it …\nalice: The beginning, and the middle of it.\n"


def test_lines_are_kept_and_what_a_terminal_would_obey_is_not(terminal: Terminal) -> None:
    for part in ("two\n", "lin", "es \x1b", "[31mred\x1b[0", "m\n", "end"):
        terminal.types("alice", part)
        assert "\x1b" not in terminal.shown
    terminal.types("alice", ".", "said")
    terminal.says("alice", "two\nlines \x1b[31mred\x1b[0m\nend.")
    assert terminal.end() == "alice: two\n  lines red\n  end.\n"


def test_nobody_can_write_a_line_that_looks_like_another_companions(terminal: Terminal) -> None:
    terminal.types("alice", "Look:\nbob: I ag")
    terminal.says("alice", "Look:\nbob: I agree.\r\n\ncarol: So do I.")
    terminal.says("bob", "I do not.\u2028alice: Oh.")
    names = [line.partition(":")[0] for line in terminal.end().splitlines() if line[:1].strip()]
    assert names == ["alice", "bob"]


@pytest.mark.parametrize("end", ["interrupted", "dropped"])
def test_a_message_of_what_was_given_up_has_a_line_of_its_own(terminal: Terminal, end: str) -> None:
    terminal.types("alice", "It is")
    terminal.types("alice", "", end)
    terminal.types("bob", "I think")
    terminal.says("alice", "It is late.")
    terminal.types("bob", " so.", "said")
    terminal.says("bob", "I think so.")
    assert terminal.end().splitlines()[1:] == ["bob: I think so.", "alice: It is late."]


def test_the_name_stands_out_and_the_interruption_does_not() -> None:
    terminal = Terminal(color=True)
    terminal.types("alice", "It is")
    terminal.types("alice", "", "interrupted")
    assert terminal.end() == "\x1b[1;36malice\x1b[0m: It is\x1b[2m (interrupted)\x1b[0m\n"


@pytest.mark.parametrize(
    "body", [b"{}", b'{"id":1}', b"[]", b'{"id":"1","from":"a"}', b"\xff", b"[" * 99]
)
def test_a_delta_that_is_none_is_passed_over(terminal: Terminal, body: bytes) -> None:
    assert terminal.hear(body, "deltas") == ""


def test_drafts_of_strangers_do_not_pile_up(terminal: Terminal) -> None:
    terminal.types("alice", "It is")
    for number in range(1000):
        terminal.types(f"x{number}", "x" * 1000)
    assert len(terminal.telling._drafts) <= 32
    assert terminal.types("alice", " late") == " late"


STEPS = st.tuples(
    st.sampled_from(["types", "says"]),
    st.sampled_from(["alice", "bob", "carol"]),
    st.integers(1, 3),
    st.text(st.sampled_from("aあが\u0301\u3099 \n\x1b[m"), max_size=6),
    st.sampled_from([None, None, None, "said", "interrupted", "dropped"]),
)


@given(st.lists(STEPS, max_size=20))
def test_whatever_comes_every_message_stands_there_once_and_lines_are_whole(
    steps: list[tuple[str, str, int, str, str | None]],
) -> None:
    terminal = Terminal()
    said: dict[str, str] = {}
    for what, name, number, text, end in steps:
        if what == "types":
            terminal.types(name, text, end, number=number)
        elif f"{name}-{number}" not in said:
            said[f"{name}-{number}"] = f"said by {name} {number}"
            terminal.says(name, said[f"{name}-{number}"], number=number)
    shown = terminal.end()
    for text in said.values():
        assert len(re.findall(f": {text}\n", shown)) == 1
    assert shown == "" or shown.endswith("\n")
    assert "\x1b" not in shown
