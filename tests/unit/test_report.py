"""What the records of turns come to."""

from __future__ import annotations

import random
import xml.etree.ElementTree as ET

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from aikyo.report import Report, Share, make_report, render_svg, render_text
from aikyo.report.measure import bound
from aikyo.wire import Claim, Offer, TurnNote, TurnRecord


def turn(number: int, who: str = "a", *, talk: str = "t", **fields: object) -> TurnRecord:
    """The `number`-th message, said by `who` (``u…`` is a person)."""
    known = {
        "message_id": f"m{number}",
        "conversation": talk,
        "sender": who,
        "by_person": who.startswith("u"),
        "time": float(number),
        "invited": tuple(one for one in "abc" if one != who),
    }
    return TurnRecord(**(known | fields))  # type: ignore[arg-type] # the fields are the test's own


def answered(number: int, who: str, by: str, **fields: object) -> TurnRecord:
    return turn(
        number,
        who,
        **{"answers": (f"m{number + 1}",), "answered_by": (by,), "outcome": "answered", **fields},
    )


def wants(*who: str, **fields: object) -> tuple[Offer, ...]:
    return tuple(Offer(who=one, state="speak", score=5.0, **fields) for one in who)  # type: ignore[arg-type]


def talk_of(order: str, *, wanting: str = "") -> list[TurnRecord]:
    """A talk in which these speak one after the other; at each message, `wanting` want to speak."""
    last = len(order) - 1
    return [
        answered(number, who, order[number + 1], offers=wants(*wanting))
        if number < last
        else turn(number, who, offers=wants(*wanting), outcome="closed")
        for number, who in enumerate(order)
    ]


def test_of_nothing_there_is_an_empty_report() -> None:
    assert make_report([]) == Report()
    assert render_text(make_report([])) == "Nothing was said."


def test_turns_talks_and_endings_are_counted() -> None:
    records = [
        answered(0, "u1", "a"),
        turn(1, "a", outcome="nobody-wanted"),
        turn(2, "u1", talk="other", outcome="superseded"),
        turn(3, "u1", talk="other", outcome="no-quorum"),
    ]
    report = make_report(records)
    assert (report.turns, report.talks, report.answered, report.superseded) == (4, 2, 1, 1)
    assert report.endings == {"nobody-wanted": 1, "no-quorum": 1}
    assert (report.lengths.mean, report.lengths.median, report.lengths.longest) == (2.0, 2, 2)
    assert (report.begun, report.ended) == (0.0, 3.0)


@given(st.randoms(use_true_random=False))
def test_the_order_and_repeats_of_records_do_not_matter(chance: random.Random) -> None:
    records = [*talk_of("uabacab"), turn(9, "u1", talk="other", outcome="limit", repeats=0.7)]
    shuffled = records + chance.choices(records, k=4)
    chance.shuffle(shuffled)
    assert make_report(shuffled) == make_report(records)


def test_of_a_message_told_twice_the_later_record_counts() -> None:
    first, later = turn(0, "u1", outcome="no-quorum"), answered(0, "u1", "a")
    report = make_report([first, later])
    assert (report.turns, report.answered, report.endings) == (1, 1, {})


def test_each_answer_beyond_the_first_is_an_overlap() -> None:
    two = answered(0, "u1", "a", answers=("x", "y", "z"), answered_by=("a", "b", "c"))
    report = make_report([two, *(turn(n, "u1", outcome="no-quorum") for n in range(1, 4))])
    assert (report.overlaps, report.overlap_share, report.overlapped) == (2, 0.5, ("m0",))
    assert report.late == 0


def test_an_answer_after_the_talk_went_on_is_late_and_no_overlap() -> None:
    report = make_report([turn(0, "u1", outcome="superseded", answers=("x",), answered_by=("a",))])
    assert (report.late, report.overlaps, report.answered) == (1, 0, 0)


def test_claims_of_what_another_had_are_conflicts() -> None:
    claims = (Claim(who="a"), Claim(who="b", rank=1, contested=True), Claim(who="c", rank=2))
    assert make_report([answered(0, "u1", "a", claims=claims)]).conflicts == 1


@pytest.mark.parametrize("outcome", ["nobody-wanted", "no-quorum"])
def test_somebody_who_wanted_to_and_did_not_is_a_stall(outcome: str) -> None:
    report = make_report([turn(0, "u1", outcome=outcome, offers=wants("a"))])
    assert (report.stalls, report.stalled) == (1, ("m0",))


@pytest.mark.parametrize(
    "fields",
    [
        {"offers": (Offer(who="a", state="listen"),), "outcome": "nobody-wanted"},
        {"offers": wants("a", gave_up=True), "outcome": "nobody-wanted"},
        {"offers": (Offer(who="a", state="speak"),), "outcome": "nobody-wanted"},  # was not ranked
        {"offers": wants("a"), "left": ("a",), "outcome": "no-quorum"},
        {"offers": wants("a"), "outcome": "brain-failed"},
        {"offers": wants("a"), "outcome": "interrupted"},
        {"offers": wants("a"), "outcome": "superseded"},
        {"offers": wants("a"), "outcome": "answered", "answers": ("x",), "answered_by": ("a",)},
    ],
)
def test_a_rest_with_a_reason_is_no_stall(fields: dict[str, object]) -> None:
    assert make_report([turn(0, "u1", **fields)]).stalls == 0


def test_a_turn_past_all_deadlines_is_a_wait() -> None:
    most = bound(answered(0, "u1", "a"))
    quick = make_report([answered(0, "u1", "a", seconds=most)])
    slow = make_report([answered(0, "u1", "a", seconds=most + 0.1)])
    assert (quick.waits, slow.waits, slow.stalled) == (0, 1, ("m0",))


def test_a_turn_with_no_state_of_those_who_stayed_is_told() -> None:
    heard = turn(0, "u1", outcome="no-quorum", left=("a", "b", "c"))
    unheard = turn(1, "u1", outcome="no-quorum", left=("a",))
    assert make_report([heard, unheard]).unheard == 1


def test_interruptions_are_known_from_the_end_or_from_a_companion() -> None:
    told = TurnNote(companion="a", message_id="m1", reason="interrupted")
    records = [
        turn(0, "u1", outcome="interrupted"),
        turn(1, "u1", outcome="superseded", notes=(told,)),
        turn(2, "u1", outcome="superseded"),
        turn(3, "a", outcome="answered", offers=wants("b", gave_up=True, reason="interrupted")),
    ]
    assert make_report(records).interruptions == 3


def test_gaps_are_without_the_pause_for_reading() -> None:
    records = [answered(n, "a", "b", seconds=float(n + 2), pause=2.0) for n in range(20)]
    gaps = make_report(records).gaps
    assert (gaps.answers, gaps.median, gaps.p95, gaps.longest) == (20, 9.0, 18.0, 19.0)
    assert gaps.counts == (1, 0, 1, 1, 2, 4, 8, 3, 0)


def test_only_answers_have_gaps() -> None:
    gaps = make_report([turn(0, "u1", outcome="no-quorum", seconds=30.0)]).gaps
    assert (gaps.answers, gaps.longest) == (0, 0)


def test_shares_are_of_companions_alone_and_name_the_silent() -> None:
    report = make_report(talk_of("uabaa", wanting="c"))
    assert report.shares == (
        Share(who="a", said=3, share=0.75, wanted=0),
        Share(who="b", said=1, share=0.25, wanted=0),
        Share(who="c", said=0, share=0.0, wanted=5),
    )
    assert report.evenness == pytest.approx(16 / 30)
    assert make_report(talk_of("abc")).evenness == 1.0


@pytest.mark.parametrize(
    ("order", "messages"),
    [("abab", 4), ("uaua", 0), ("abcabc", 0), ("ababcbcbcb", 7), ("abuab", 0), ("aba", 3), ("aabb", 0)],
)
def test_the_longest_loop_of_two(order: str, messages: int) -> None:
    assert make_report(talk_of(order)).loop.messages == messages


def test_a_loop_counts_as_crowded_only_while_a_third_wants_in() -> None:
    assert make_report(talk_of("ababab", wanting="ab")).crowded_loop.messages == 0
    crowded = make_report(talk_of("ababab", wanting="abc")).crowded_loop
    assert (crowded.messages, crowded.who) == (6, ("a", "b"))
    half = [*talk_of("abab", wanting="c"), *(answered(n, "ab"[n % 2], "ab"[n % 2 - 1]) for n in (4, 5))]
    assert make_report(half).crowded_loop.messages == 5


def test_two_talks_make_no_loop_together() -> None:
    records = [turn(n, "ab"[n % 2], talk=f"t{n}", outcome="closed") for n in range(6)]
    assert make_report(records).loop.messages == 0


def test_repetition() -> None:
    records = [
        turn(n, "a", repeats=alike, outcome="closed") for n, alike in enumerate((0.0, 0.2, 0.6, 1.0))
    ]
    alike = make_report(records).repetition
    assert (alike.mean, alike.most, alike.over) == (pytest.approx(0.45), 1.0, 0.5)


RECORDS = st.lists(
    st.builds(
        turn,
        st.integers(0, 30),
        st.sampled_from(["a", "b", "c", "u1", "<&\x1b[31m\x00\ud800\uffff", "companion_海の家" * 9]),
        talk=st.sampled_from(["t", "s"]),
        outcome=st.sampled_from(["answered", "superseded", "no-quorum", "nobody-wanted", "]]>", ""]),
        answers=st.sampled_from([(), ("x",), ("x", "m3")]),
        answered_by=st.just(("a", "b")),
        offers=st.sampled_from([(), wants("a"), wants("c", "b")]),
        seconds=st.floats(0, 1e9),
        repeats=st.floats(0, 1),
    ),
    max_size=30,
)


@given(RECORDS, st.integers(1, 200))
def test_whatever_was_recorded_is_shown_within_the_width(records: list[TurnRecord], width: int) -> None:
    report = make_report(records)
    shown = render_text(report, width)
    assert max(map(cell_len, shown.splitlines())) <= max(width, 24)
    assert "\x1b" not in shown
    assert "\x00" not in shown


@given(RECORDS)
def test_whatever_was_recorded_makes_a_well_formed_picture(records: list[TurnRecord]) -> None:
    picture = render_svg(make_report(records))
    root = ET.fromstring(picture.encode())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert not [float(box.get("width", 0)) for box in root.iter() if float(box.get("width", 0)) < 0]


def test_the_picture_names_the_speakers_and_marks_what_went_wrong() -> None:
    quiet = render_svg(make_report(talk_of("uabc")))
    assert all(f">{name}<" in quiet for name in "abc")
    assert 'class="bad"' not in quiet
    stalled = make_report([turn(0, "u1", outcome="no-quorum", offers=wants("a"))])
    assert 'class="bad"' in render_svg(stalled)


def test_what_is_no_overlap_and_no_stall_is_shown_all_the_same() -> None:
    records = [
        turn(0, "u1", outcome="superseded", answers=("m2",), answered_by=("a",)),
        turn(1, "u1", outcome="no-quorum"),
        answered(2, "u1", "a", seconds=250.0),
    ]
    report = make_report(records)
    text = render_text(report)
    assert "late answers          1 (33 % of turns)" in text
    assert "not a State came      1 turn" in text
    picture = render_svg(report)
    for part in ("late answers", "turns without a State", "250 s"):
        assert part in picture, part
    assert ">–<" in render_svg(make_report([turn(0, "u1", outcome="no-quorum")]))


def test_a_long_talk_makes_no_long_picture() -> None:
    many = [answered(n, "ab"[n % 2], "ab"[n % 2 - 1], talk=f"t{n % 97}") for n in range(20_000)]
    assert len(render_svg(make_report(many))) < 300_000


def test_a_report_is_plain_data() -> None:
    report = make_report(talk_of("uabc", wanting="b"))
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report
