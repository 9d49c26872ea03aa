import io
import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from rich.cells import cell_len
from rich.console import Console

from aikyo.dashboard import View, render
from aikyo.dashboard.view import MAX_COMPOSED
from aikyo.wire import Action, Activity, CompanionStatus, Delta, Envelope, Event, Message, SwarmStatus

NAMES = {"alice": "Alice", "bob": "Bob", "carol": "Carol", "hina": "ひな"}
SIZES = [(80, 24), (200, 50), (50, 20), (120, 30), (30, 10), (20, 5), (10, 2), (1, 1)]


def companion(name: str, activity: Activity = "listening", **fields: object) -> CompanionStatus:
    known: dict[str, object] = {"display_name": NAMES.get(name, ""), "color": "cyan", "brain": "offline"}
    return msgspec.structs.replace(
        CompanionStatus(name=name, id=f"companion_{name}", activity=activity), **known | fields
    )


def view_of(*companions: CompanionStatus, **counters: int) -> View:
    view = View()
    status = SwarmStatus(
        companions=companions,
        started=0,
        pid=1,
        mesh="attic",
        firehose="ws://127.0.0.1:8080/",
        gateway="http://127.0.0.1:3000/",
        counters=counters,
    )
    view.tick(status, 125 * 60)
    return view


def apply(view: View, topic: str, body: object) -> None:
    view.apply(Envelope(seq=1, time=0, topic=topic, body=Raw(msgspec.json.encode(body))))


def say(view: View, who: str, text: str, *to: str) -> None:
    apply(view, "messages", Message(id="m", sender=who, to=to, message=text))


def shown(view: View, width: int = 80, height: int = 24, encoding: str = "utf-8") -> list[str]:
    console = Console(
        width=width, height=height, file=io.StringIO(), color_system=None, legacy_windows=False
    )
    with console.capture() as capture:
        console.print(render(view, width, height, encoding=encoding, local=time.gmtime))
    return capture.get().split("\n")[:-1]


def colors(view: View) -> str:
    console = Console(
        width=80, height=24, file=io.StringIO(), force_terminal=True, color_system="standard"
    )
    with console.capture() as capture:
        console.print(render(view, 80, 24, local=time.gmtime))
    return capture.get()


@pytest.fixture
def talk() -> View:
    view = view_of(
        companion("alice", mood="glad", peers=2),
        companion("bob", "thinking", inbox=3, peers=1, color="yellow"),
        companion("carol", "failed", reason="the memory file is corrupt", restarts=5),
        companion("hina", "resting", reason="the brain is overloaded"),
        spoofed=4,
        idle=0,
    )
    say(view, "user_mika", "Hello everybody!")
    say(
        view,
        "companion_alice",
        "Oh, hello! " + "I sort shells by how loudly they complain. " * 3,
        "user_mika",
    )
    say(
        view,
        "companion_hina",
        "こんにちは！今朝、海辺の喫茶店でとてもおもしろい古い地図を見つけました。" * 2,
    )
    apply(
        view, "actions", Action(id="a", sender="companion_bob", name="gesture", params={"kind": "nod"})
    )
    apply(view, "events", Event(type="talk-ended", reason="closed"))
    return view


def test_everything_that_matters_is_on_the_page(talk: View) -> None:
    lines = shown(talk)
    page = "\n".join(lines)
    for what in (
        "aikyo · attic · brain: offline",
        "up 2 h 05 min",
        "listening",
        "glad",
        "2 peers",
        "1 peer ",
        "inbox 3",
        "restarts 5  the memory file is corrupt",
        "the brain is overloaded",
        "00:00  mika   Hello everybody!",
        "→ mika  Oh, hello!",
        "· the talk ends: it has come to its end",
        "Bob nods",
        "messages 3 · actions 1 · spoofed 4",
        "http://127.0.0.1:3000/ · ws://127.0.0.1:8080/",
        'Ctrl-C ends · aikyo say alice "hello"',
    ):
        assert what in page
    assert "idle" not in page
    assert page.count("offline") == 1


def test_who_is_quiet_is_shown_beside_what_they_do() -> None:
    view = view_of(
        companion("alice", quiet="quiet", quiet_until=3660.0, mood="glad"),
        companion("bob", quiet="mention-only"),
        companion("carol", mood="sad"),
    )
    alice, bob, carol = shown(view)[1:4]
    assert "listening   quiet until 01:01  glad" in alice
    assert "listening   mention-only       " in bob
    assert alice.index("glad") == carol.index("sad")
    assert alice.index("peers") == bob.index("peers")
    narrow = shown(view, 50)
    assert "quiet" in narrow[1]
    assert "until" not in narrow[1]


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_the_page_fits_the_terminal(talk: View, width: int, height: int, encoding: str) -> None:
    lines = shown(talk, width, height, encoding)
    assert len(lines) <= height
    assert all(cell_len(line) <= width for line in lines)
    assert encoding == "utf-8" or "".join(lines).isascii()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 50), (50, 20), (80, 12)])
def test_the_page_fills_the_terminal_from_top_to_hint(talk: View, width: int, height: int) -> None:
    lines = shown(talk, width, height)
    assert len(lines) == height
    assert lines[0].startswith("aikyo")
    assert lines[-1].startswith("Ctrl-C ends")


def test_the_newest_is_at_the_bottom_and_the_oldest_goes_first() -> None:
    view = view_of(companion("alice"))
    for number in range(60):
        say(view, "companion_alice", f"word-{number}")
    words = [line.split()[-1] for line in shown(view) if line.startswith("00:00")]
    assert words[-1] == "word-59"
    assert words == [f"word-{number}" for number in range(60 - len(words), 60)]
    assert len(words) > 10


def test_of_a_long_message_the_end_is_shown() -> None:
    view = view_of(companion("alice"))
    say(view, "companion_alice", " ".join(f"word-{number}" for number in range(400)))
    lines = shown(view, height=14)
    assert "word-399" in lines[-4]
    assert not any("word-0 " in line for line in lines[2:])


def test_a_long_message_hangs_under_its_first_line(talk: View) -> None:
    lines = shown(talk)
    first = next(index for index, line in enumerate(lines) if "Oh, hello!" in line and "00:00" in line)
    column = lines[first].index("→")
    assert lines[first + 1][:column].strip() == ""
    assert lines[first + 1][column] != " "


def test_japanese_is_wrapped_by_cells(talk: View) -> None:
    lines = [line.strip() for line in shown(talk) if "地図" in line or "喫茶店" in line]
    assert max(map(cell_len, lines)) > 76


def test_a_narrow_terminal_still_shows_who_says_what(talk: View) -> None:
    page = shown(talk, 50, 30)
    assert any(line.startswith("Alice  → mika  Oh, hello!") for line in page)
    assert any("listening" in line for line in page)
    assert not any("peers" in line for line in page)


def test_in_a_wide_terminal_what_is_done_stands_beside_the_talk(talk: View) -> None:
    line = next(line for line in shown(talk, 160, 40) if "Bob nods" in line)
    assert "Hello everybody!" in line


def test_names_have_their_companions_colors(talk: View) -> None:
    page = colors(talk)
    assert "\x1b[1;36mAlice" in page
    assert "\x1b[1;33mBob" in page
    assert "\x1b[1mmika" in page


def test_a_color_that_is_none_is_left_out() -> None:
    view = view_of(companion("alice", color="not a colour"))
    assert "\x1b[1mAlice" in colors(view)


def test_many_companions_leave_room_for_the_talk() -> None:
    view = view_of(*(companion(f"c{number}") for number in range(30)))
    say(view, "user_mika", "Hello!")
    page = shown(view)
    assert sum("listening" in line for line in page) == 7
    assert any("and 23 more: aikyo ps" in line for line in page)
    assert any("Hello!" in line for line in page)


def test_before_anything_happened_the_page_says_so() -> None:
    page = "\n".join(shown(View()))
    assert "starting" in page
    assert "nobody has said anything yet" in page
    assert "no companions of this swarm" in page


HOSTILE = "\x1b[2J\x1b]0;x\x07[red]loud[/red] \u202eback\u202c new\nline " + "long" * 60


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_hostile_text_is_shown_as_text(width: int, height: int) -> None:
    view = view_of(companion("alice", mood=HOSTILE, reason=HOSTILE, display_name=HOSTILE, brain=HOSTILE))
    say(view, "companion_" + "z" * 100, HOSTILE, HOSTILE[:128])
    apply(
        view,
        "actions",
        Action(id="a", sender=HOSTILE[:128], name=HOSTILE[:64], params={"target": HOSTILE}),
    )
    apply(view, "events", Event(type=HOSTILE, reason=HOSTILE, companion=HOSTILE))
    lines = shown(view, width, height)
    assert len(lines) <= height
    assert all(cell_len(line) <= width and line.isprintable() for line in lines)
    assert width < 60 or "[red]loud[/red]" in "\n".join(lines)


@given(st.lists(st.text(max_size=60), min_size=3, max_size=3), st.integers(1, 90), st.integers(1, 30))
@settings(deadline=None, max_examples=60)
def test_no_text_and_no_size_breaks_the_page(texts: list[str], width: int, height: int) -> None:
    view = view_of(companion("alice", mood=texts[0], display_name=texts[1]))
    say(view, "companion_alice", texts[2])
    lines = shown(view, width, height)
    assert len(lines) <= height
    assert all(cell_len(line) <= width for line in lines)


def test_a_time_that_no_calendar_has_is_shown_as_none() -> None:
    view = view_of(companion("alice"))
    body = Raw(msgspec.json.encode(Message(id="m", sender="user_mika", message="hi")))
    view.apply(Envelope(seq=1, time=1e300, topic="messages", body=body))
    assert any(line.startswith("--:--  mika") for line in shown(view))


def compose(view: View, who: str, text: str, end: str | None = None) -> None:
    apply(view, "deltas", Delta(id="m-9", sender=who, text=text, end=end))  # type: ignore[arg-type]  # one of them


def test_what_is_being_composed_stands_at_the_end_of_the_talk(talk: View) -> None:
    compose(talk, "companion_alice", "I was just")
    compose(talk, "companion_alice", " about to")
    lines = [line.rstrip() for line in shown(talk)]
    growing = next(number for number, line in enumerate(lines) if "I was just about to…" in line)
    assert lines[growing].split() == ["00:00", "Alice", "I", "was", "just", "about", "to…"]
    assert max(number for number, line in enumerate(lines) if "Hello everybody!" in line) < growing
    (line,) = [line for line in colors(talk).split("\n") if "about to…" in line]
    assert "\x1b[1;36mAlice" in line


def test_a_draft_gives_way_to_its_message_and_an_interrupted_one_goes(talk: View) -> None:
    compose(talk, "companion_alice", "I was just")
    compose(talk, "companion_bob", "Listen")
    compose(talk, "companion_bob", "", "interrupted")
    apply(talk, "messages", Message(id="m-9", sender="companion_alice", message="I was just told."))
    page = "\n".join(shown(talk))
    assert page.count("I was just") == 2  # in the talk, and as the last words of Alice
    assert "…" not in page.replace("…\n", "")
    assert "Listen" not in page


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_long_draft_fits_every_terminal_and_shows_its_end(talk: View, width: int, height: int) -> None:
    compose(talk, "companion_hina", "雨が降っているので、" * 200 + "\x1b[2J おわり")
    lines = shown(talk, width, height)
    assert len(lines) <= height
    assert all(cell_len(line) <= width for line in lines)
    if (width, height) == (80, 24):
        assert any("おわり…" in line for line in lines)


@pytest.mark.parametrize("last", ["", "x"])
def test_of_a_long_draft_the_end_begins_with_a_whole_character(talk: View, last: str) -> None:
    compose(talk, "companion_alice", "か\u3099" * 500 + last)
    (composed,) = talk.composed
    assert composed.text.startswith("…か")


def test_the_lines_of_a_long_draft_stay_where_they_are_as_it_grows(talk: View) -> None:
    compose(talk, "companion_alice", "word " * 100)
    begun = set()
    for _ in range(100):
        compose(talk, "companion_alice", "more ")
        (composed,) = talk.composed
        assert 150 < len(composed.text) <= MAX_COMPOSED + 2
        begun.add(len(talk.drafts.by_sender["companion_alice"].text) - len(composed.text))
    assert len(begun) < 10


def test_a_draft_is_shown_on_a_terminal_that_takes_ascii_alone(talk: View) -> None:
    compose(talk, "companion_alice", "I was just")
    assert any("I was just." in line or "I was just?" in line for line in shown(talk, encoding="ascii"))


def test_what_thinking_has_cost_in_the_last_hour_is_shown_where_it_was_anything() -> None:
    paid = companion("alice", tokens_hour=12_345, money_hour=0.1234)
    unknown = companion("bob", tokens_hour=900, money_hour=None)
    free = companion("carol", tokens_hour=2_000_000, money_hour=0.0)
    view = view_of(paid, unknown, free, companion("hina"))
    say(view, "companion_alice", "Let us see what the tide has left for us between the rocks today.")
    lines = shown(view)
    assert all(cell_len(line) <= 80 for line in lines)
    assert "  12.3k $0.12/h  Let us" in lines[1]
    assert lines[2].rstrip().endswith("  900 ?/h")
    assert lines[3].rstrip().endswith("  2.0M/h")
    assert lines[4].rstrip().endswith(" 0 peers")
    assert not any("/h" in line for line in shown(view, width=50))
    assert not any("/h" in line for line in shown(view_of(companion("alice"))))
