from __future__ import annotations

import getpass

import msgspec
import pytest
from msgspec import Raw

from aikyo.client import ClientError, Talk, is_known, person, recipients
from aikyo.errors import UsageError
from aikyo.wire import Activity, CompanionStatus, Envelope, Event, Message, Payload, State, SwarmStatus

SAID = Message(id="m-1", sender="user_mika", to=("companion_alice",), message="hi", conversation="c-1")
STATUS = SwarmStatus(
    companions=(
        CompanionStatus(name="alice", id="companion_alice-2", activity="listening"),
        CompanionStatus(name="bob", id="companion_bob", activity="listening"),
    ),
    others=("companion_alice", "companion_carol", "12D3foreign"),
    started=0,
    pid=1,
    mesh="",
    firehose="",
    gateway="",
)


def envelope(body: Payload | Event) -> Envelope:
    topic = "events" if isinstance(body, Event) else body.topic
    return Envelope(seq=1, time=0, topic=topic, body=Raw(msgspec.json.encode(body)))


def reply(**fields: object) -> Message:
    usual = {"id": "m-2", "sender": "companion_alice", "message": "hello", "conversation": "c-1"}
    return Message(**usual | fields)


def test_an_answer_in_the_talk_is_heard_once() -> None:
    talk = Talk(SAID)
    assert talk.hear(envelope(reply())) == reply()
    assert talk.hear(envelope(reply())) is None
    assert talk.hear(envelope(reply(id="m-3", sender="companion_bob"))) is not None
    assert talk.replies == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"conversation": None, "reply_to": "m-1"},
        {"conversation": None, "to": ("user_mika",)},
    ],
)
def test_who_names_no_conversation_is_heard_by_what_they_answer(fields: dict[str, object]) -> None:
    assert Talk(SAID).hear(envelope(reply(**fields))) is not None


@pytest.mark.parametrize(
    "other",
    [
        SAID,
        reply(conversation="c-2", to=("user_mika",)),
        reply(conversation=None),
        reply(conversation=None, reply_to="m-9"),
        State(sender="companion_alice", message_id="m-1", state="speak"),
        Event(type="mood", conversation="c-1"),
    ],
)
def test_what_belongs_elsewhere_is_not_heard(other: Payload | Event) -> None:
    talk = Talk(SAID)
    assert talk.hear(envelope(other)) is None
    assert (talk.replies, talk.rested) == (0, None)


def test_an_answer_to_an_answer_is_heard() -> None:
    talk = Talk(SAID)
    talk.hear(envelope(reply()))
    assert talk.hear(envelope(reply(id="m-3", conversation=None, reply_to="m-2"))) is not None


@pytest.mark.parametrize("kind", ["talk-resting", "talk-ended"])
def test_the_end_of_this_talk_is_noticed_and_of_no_other(kind: str) -> None:
    talk = Talk(SAID)
    talk.hear(envelope(Event(type=kind, conversation="c-2", reason="closed")))
    assert talk.rested is None
    talk.hear(envelope(Event(type=kind, conversation="c-1", reason="closed")))
    assert talk.rested == "closed"


def test_who_becomes_quiet_is_noticed_if_it_was_said_to_them() -> None:
    talk, to_all = Talk(SAID), Talk(msgspec.structs.replace(SAID, to=()))
    for who in ("companion_alice", "companion_bob"):
        event = envelope(Event(type="quiet", companion=who, mode="quiet"))
        assert talk.hear(event) is to_all.hear(event) is None
    assert list(talk.quieted) == ["companion_alice"]
    assert list(to_all.quieted) == ["companion_alice", "companion_bob"]


def test_names_and_ids_are_understood_and_ours_come_first() -> None:
    assert recipients(["alice", "companion_bob", "bob"], STATUS) == (
        "companion_alice-2",
        "companion_bob",
    )
    assert recipients(["alice-2"], STATUS) == ("companion_alice-2",)
    assert recipients(["companion_alice"], STATUS) == ("companion_alice",)
    assert recipients(["carol", "12D3foreign"], STATUS) == ("companion_carol", "12D3foreign")
    assert recipients(["alice", "all"], STATUS) == ()


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"'alcie'.*did you mean 'alice'"):
        recipients(["bob", "alcie"], STATUS)


@pytest.mark.parametrize(
    ("login", "ident"),
    [
        ("mika", "user_mika"),
        ("DOMAIN\\Mika K.", "user_domain_mika_k"),
        ("美香", "user_you"),
        ("7", "user_you"),
    ],
)
def test_who_says_nothing_of_themselves_is_called_as_they_log_in(
    monkeypatch: pytest.MonkeyPatch, login: str, ident: str
) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: login)
    assert person(None) == ident


def test_where_nobody_is_logged_in_one_is_you(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert person(None) == "user_you"


def test_a_name_that_is_given_must_be_one() -> None:
    assert person("mika") == person("user_mika") == "user_mika"
    for name in ("", "Mika", "mika k", "user_"):
        with pytest.raises(UsageError, match="cannot be a name"):
            person(name)


def test_names_are_understood_in_any_case_and_as_they_are_displayed() -> None:
    hina = CompanionStatus(name="hina", id="companion_hina", activity="listening", display_name="ひな")
    status = msgspec.structs.replace(STATUS, companions=(hina,))
    assert recipients(["HINA", "ひな", "Hina"], status) == ("companion_hina",)


@pytest.mark.parametrize("activity", ["stopped", "failed"])
def test_whoever_does_not_run_is_told_with_the_way_to_start_them(activity: Activity) -> None:
    bob = CompanionStatus(name="bob", id="companion_bob", activity=activity)
    status = msgspec.structs.replace(STATUS, companions=(bob,), others=())
    with pytest.raises(ClientError, match="aikyo restart bob"):
        recipients(["bob"], status)


def test_words_without_quotes_are_recognised() -> None:
    with pytest.raises(UsageError, match="in quotes"):
        recipients(["alice", "hello"], STATUS)


@pytest.mark.parametrize("name", ["alice", "alice-2", "companion_bob", "carol", "12D3foreign"])
def test_whoever_is_on_the_mesh_is_known_by_name_and_id(name: str) -> None:
    assert is_known(name, STATUS)
    assert not is_known(name + "x", STATUS)
