"""What is understood as a wish for quiet, and above all what is not."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aikyo.conversation import QuietRequest, quiet_request
from aikyo.conversation.quiet_words import MAX_LENGTH
from aikyo.wire import MAX_QUIET, QuietMode

NAMES = ("Alice", "Bob", "ひな", "Mary Jane")

WISHES: list[tuple[str, QuietMode, float | None]] = [
    ("be quiet", "quiet", None),
    ("Be quiet!", "quiet", None),
    ("Please be quiet for ten minutes.", "quiet", 600),
    ("please be quiet for ten minutes", "quiet", 600),
    ("Could you please be quiet for an hour and a half?", "quiet", 5400),
    ("Shut up", "quiet", None),
    ("oh shut up, Bob!", "quiet", None),
    ("Stop talking.", "quiet", None),
    ("Alice, be quiet until I say so", "quiet", None),
    ("Alice be quiet", "quiet", None),
    ("be quiet alice", "quiet", None),
    ("Everyone, please be quiet for half an hour.", "quiet", 1800),
    ("Would you mind being quiet for a bit?", "quiet", 300),
    ("Quiet, please!", "quiet", None),
    ("Quiet!", "quiet", None),
    ("Silence!", "quiet", None),
    ("Quiet, everyone.", "quiet", None),
    ("Please, quiet.", "quiet", None),
    ("Give me ten minutes of silence, please.", "quiet", 600),
    ("I need you to be quiet for 90 minutes", "quiet", 5400),
    ("Be quiet, I'm on the phone.", "quiet", None),
    ("Be quiet while I work", "quiet", None),
    ("Shh", "quiet", None),
    ("Shhhh!", "quiet", None),
    ("hush now", "quiet", None),
    ("Don't talk for 30 seconds", "quiet", 30),
    ("don’t say anything for the next 5 min", "quiet", 300),
    ("For ten minutes, be quiet.", "quiet", 600),
    ("Be quiet. Just for ten minutes.", "quiet", None),
    ("Be quiet, just for ten minutes.", "quiet", 600),
    ("be quiet until tomorrow", "quiet", 86400),
    ("be quiet for two weeks", "quiet", 86400),
    ("I said be quiet!", "quiet", None),
    ("Can you two keep quiet for 1h30m?", "quiet", 5400),
    ("let's all be quiet for a minute", "quiet", 60),
    ("No talking for 15 minutes, guys.", "quiet", 900),
    ("stay silent for twenty-five minutes", "quiet", 1500),
    ("I'd appreciate it if you could be quiet for an hour", "quiet", 3600),
    ("be quiet for 1.5 hours", "quiet", 5400),
    ("Be quiet, will you?", "quiet", None),
    ("Mary Jane, hush", "quiet", None),
    ("I have a headache. Please stay quiet for the rest of the day.", "quiet", 86400),
    ("Only speak when I call you", "mention-only", None),
    ("Please only answer when spoken to.", "mention-only", None),
    ("Speak only if I mention you by name for the next hour", "mention-only", 3600),
    ("Don't speak unless I ask you.", "mention-only", None),
    ("be quiet until I call you", "mention-only", None),
    ("Be quiet unless spoken to", "mention-only", None),
    ("mention-only please", "mention-only", None),
    ("Just talk when I say your name", "mention-only", None),
    ("From now on, only reply when mentioned.", "mention-only", None),
    ("You can talk again", "normal", None),
    ("You may speak again now, Alice.", "normal", None),
    ("ok, you can talk again", "normal", None),
    ("talk again please", "normal", None),
    ("You don't have to be quiet anymore", "normal", None),
    ("Feel free to talk again", "normal", None),
    ("Stop being quiet", "normal", None),
    ("Be quiet. No wait, you can talk again.", "normal", None),
    ("unmute yourself", "normal", None),
    ("You're allowed to speak again", "normal", None),
    ("静かにして", "quiet", None),
    ("10分静かにして", "quiet", 600),
    ("三十分だけ黙ってて", "quiet", 1800),
    ("一時間半、静かにしてください。", "quiet", 5400),
    ("ちょっと静かにしてくれる？", "quiet", None),
    ("１０分間だけ静かにしてもらえますか？", "quiet", 600),
    ("黙れ！", "quiet", None),
    ("うるさい、黙って", "quiet", None),
    ("アリス、静かにして", "quiet", None),
    ("ひなちゃん、しばらく黙っててね", "quiet", 600),
    ("ひなは静かにしてて", "quiet", None),
    ("みんな、静かに！", "quiet", None),
    ("静かに！", "quiet", None),
    ("お静かにお願いします", "quiet", None),
    ("2時間半しゃべらないで", "quiet", 9000),
    ("少しの間、話さないでください", "quiet", 300),
    ("いいと言うまで静かにして", "quiet", None),
    ("私が戻るまで黙ってて", "quiet", None),
    ("明日まで静かにしてて", "quiet", 86400),
    ("今電話中だから静かにして", "quiet", None),
    ("静かにして、今電話中だから", "quiet", None),
    ("お願いだから黙ってて", "quiet", None),
    ("静かにして、10分だけ", "quiet", 600),
    ("2、3分静かにして", "quiet", 180),
    ("おしゃべりはやめて", "quiet", None),
    ("静かにしてほしいな", "quiet", None),
    ("今日は静かにしてて", "quiet", 86400),
    ("十五分くらい静かにしといて", "quiet", 900),
    ("黙っといて", "quiet", None),
    ("みんな30秒だけ静かにして", "quiet", 30),
    ("仕事したいんだけど、静かにしてくれないかな", "quiet", None),
    ("静かにしていてください", "quiet", None),
    ("しーっ", "quiet", None),
    ("呼んだときだけ話して", "mention-only", None),
    ("呼ばれた時だけ返事してください", "mention-only", None),
    ("名前を呼ばれたときだけ話してね", "mention-only", None),
    ("呼ぶまで静かにして", "mention-only", None),
    ("呼ばれない限り話さないで", "mention-only", None),
    ("一時間は、呼んだときだけ答えて", "mention-only", 3600),
    ("話しかけたとき以外は黙ってて", "mention-only", None),
    ("話すのは呼んだときだけにして", "mention-only", None),
    ("もう話していいよ", "normal", None),
    ("話していいよ", "normal", None),
    ("もうしゃべってもいいですよ", "normal", None),
    ("もう静かにしなくていいよ", "normal", None),
    ("黙ってなくて大丈夫", "normal", None),
    ("いつも通り話してね", "normal", None),
    ("アリス、もう喋っていいよ", "normal", None),
    ("みんなもう話してOKだよ", "normal", None),
    ("Be quiet pls :)", "quiet", None),
    ("please be quiet 😊", "quiet", None),
    ("Mute yourselves for an hour or so", "quiet", 3600),
    ("quiet mode for ten minutes please", "quiet", 600),
    ("be quiet unless someone calls you", "mention-only", None),
    ("Only answer me when I ask you directly", "mention-only", None),
    ("Speak when spoken to.", "mention-only", None),
    ("You can start talking again", "normal", None),
    ("Alice, you may speak", "normal", None),
    ("お静かに", "quiet", None),
    ("30分静かにしてくれると助かる", "quiet", 1800),
    ("静かにして 🤫", "quiet", None),
]

NO_WISHES = [
    "Quiet mode.",
    "You may speak to the manager",
    "speak when you like",
    "mute swans",
    "お静かにどうぞと言う人",
    "the library is quiet",
    'She said "be quiet".',
    "He said be quiet",
    "He told me, be quiet",
    "quiet modes are nice",
    "Be quiet is a song I like",
    "It was a quiet evening.",
    "Why are you so quiet?",
    "You are quiet today",
    "How do you say be quiet in Japanese?",
    "Don't be rude",
    "don't stop talking",
    "Never stop talking!",
    "stop talking about politics",
    "shut up and take my money",
    "be quiet about the party",
    "I'll be quiet",
    "The kids will be quiet",
    "to be quiet is hard",
    "If I cry, be quiet",
    "In the library, be quiet",
    "Quiet.",
    "It's so quiet!",
    "So quiet!",
    "All quiet.",
    "How was it? Quiet.",
    "keep quiet about it",
    "They asked us to be quiet",
    "Can you talk?",
    "you can talk to me about anything",
    "Could you be quieter next time you walk?",
    "Translate: be quiet",
    '"Be quiet for ten minutes"',
    "'Be quiet' is rude",
    "Be quiet?",
    "You can talk again?",
    "be quiet for 0 minutes",
    "be quiet for ever and ever in the garden",
    "Let the children be quiet",
    "We must be quiet in a library",
    "I was told to shut up",
    "hello alice",
    "",
    "   ",
    "ten minutes",
    "for ten minutes",
    "please",
    "Alice",
    "a moment of silence fell",
    "silence is golden",
    "Quiet as a mouse",
    "The word hush is soft.",
    "I like to be quiet",
    "Be quiet, he said.",
    "Is it quiet there",
    "静かな海",
    "図書館では静かにしてください",
    "「静かにして」って言われた",
    "静かにしてと言われた",
    "静かにしてくれてありがとう",
    "静かにして、本を読んだ",
    "黙って、彼は出ていった",
    "静かに雪が降る",
    "静かに、雪が降る",
    "海が静かだね",
    "今日は静かだね",
    "静かにしてるの？",
    "話していい？",
    "彼に話していいよ",
    "静かな夜が好き",
    "黙って聞いていた",
    "おしゃべりは楽しい",
    "話して",
    "もう一度話して",
    "呼んだ？",
    "静かにしていたら眠くなった",
    "先生が言った、静かにして",
    "夜は、静かにして",
    "10分",
    "お願い",
    "静かにしなくちゃ",
    "あの人は静かにしている",
    "静かにするのは難しい",
    "黙っていると怖い",
    "『黙れ』という本",
    "しばらく",
    "ひなちゃん",
    "友達に黙ってて",
    "Be quiet places for me",
    "I think you should be quiet more often in books",
    "Could the dog be quiet?",
    "What happens if you be quiet",
    "My favourite game is: be quiet",
    "Do not be silent about injustice",
    "You can talk again tomorrow about it with Bob",
    "we can talk again about this",
    "We can talk again soon",
    "Let's talk again",
    "It was nice; let's talk again soon!",
    "Talk again soon",
    "Can we talk again?",
    "we may speak again",
    "Shall we talk again",
    "let's talk normally about the weather",
    "I don't want you to be quiet",
    "you can stop talking about cats",
    "Only speak when I call you is a strange rule",
    "only answer the question",
    "Give me a quiet room for an hour",
    "two hours of silence followed",
    "Ten minutes of silence followed",
    "ten minutes of silence",
    "an hour of quiet",
    "An hour of peace and quiet.",
    "i'd like ten minutes of quiet reading",
    "no talking animals",
    "no more talking heads",
    "Not another word processor",
    "stay silent hill",
    "go silent running",
    "Keep quiet places clean",
    "Don't speak English?",
    "don't answer that",
    "Don't answer.",
    "Don't say anything to Bob",
    "everyone was quiet",
    "all quiet on the western front",
    "no quiet please we like noise",
    "pipe down the hall",
    "Shut it down",
    "shut up shop",
    "hush puppies",
    "I need some quiet",
    "Shh is a sound",
    "Should I be quiet?",
    "Must I be quiet?",
    "do you want to be quiet?",
    "Are you going to be quiet",
    "why don't you be quiet",
    "so be quiet then they said",
    "Bob told Alice to be quiet",
    "my mom said I need you to be quiet",
    "start talking about yourself",
    "Start talking!",
    "speak freely about your feelings",
    "talk as usual about work",
    "Feel free to talk about anything",
    "it's ok to talk to strangers",
    "No need to be quiet about it",
    "静かにしている人が好き",
    "黙っている",
    "みんな静かだね",
    "静かにしていいですか？",
    "黙って食べなさい",
    "黙って見て",
    "友達と話していいよ",
    "明日また話して",
    "また話してね",
    "お静かにという看板",
    "静かにと書いてある",
    "猫に静かにしてと頼んだ",
    "もう話していい時間",
    "口を閉じて噛む",
    "会話はやめてない",
    "呼んだら来て",
    "呼ぶまで待って",
    "呼ばれたときだけ行く",
    "静かにして、と先生は言った",
    "「黙って」",
    "静かにしてたら、猫が来た",
    "話さないでいると寂しい",
    "発言をやめて席を立った",
    "静かにしてくれる人",
    "静かにしてほしい人",
    "大人しくしてた",
    "ミュートした",
    "十分静かだ",
    "十分静かにしている",
    "ちゃんと話して",
    "静かにしてから寝る",
    "静かにしてるから",
    "みんなが静かにして驚いた",
    "シーッという音",
    "彼は黙れと叫んだ",
    "今日は静かにしてた",
    "静かにするな",
    "黙るな",
    "静かにしないで",
]

PLAIN_WISHES = [
    "be quiet",
    "Please be quiet for ten minutes.",
    "You can talk again",
    "静かにして",
    "もう話していいよ",
]


@pytest.mark.parametrize(("text", "mode", "seconds"), WISHES)
def test_a_wish_is_understood(text: str, mode: QuietMode, seconds: float | None) -> None:
    assert quiet_request(text, NAMES) == QuietRequest(mode, seconds)


@pytest.mark.parametrize("text", NO_WISHES)
def test_what_only_sounds_like_a_wish_silences_nobody(text: str) -> None:
    assert quiet_request(text, NAMES) is None


@pytest.mark.parametrize("text", [text for text, _, _ in WISHES if text.isascii()])
@pytest.mark.parametrize("quoted", ['He said "{}" to me', "「{}」って言った", "“{}”", "> {}", "`{}`"])
def test_what_is_quoted_is_no_wish(text: str, quoted: str) -> None:
    assert quiet_request(quoted.format(text), NAMES) is None


@pytest.mark.parametrize("text", PLAIN_WISHES)
def test_case_width_and_spaces_make_no_difference(text: str) -> None:
    wanted = quiet_request(text)
    assert wanted is not None
    full_width = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
    for variant in (text.upper(), text.lower(), f"  {text.replace(' ', '   ')} ", full_width):
        assert quiet_request(variant) == wanted


def test_the_last_of_several_wishes_holds() -> None:
    assert quiet_request("Be quiet for an hour. Sorry, you can talk again.") == QuietRequest("normal")
    assert quiet_request("もう話していいよ。やっぱり10分静かにして。") == QuietRequest("quiet", 600)


def test_only_those_who_are_there_can_be_called_without_a_comma() -> None:
    assert quiet_request("Alice be quiet", ["Alice"]) == QuietRequest("quiet")
    assert quiet_request("Children be quiet", ["Alice"]) is None
    assert quiet_request("ひなは静かにして", ["ひな"]) == QuietRequest("quiet")
    assert quiet_request("海は静かにして", ["ひな"]) is None


@given(st.integers(1, 1440), st.sampled_from(["minutes", "min", "m"]))
def test_any_number_of_minutes_is_understood(minutes: int, unit: str) -> None:
    for text in (f"Be quiet for {minutes} {unit}", f"{minutes}分間、静かにしてください"):
        assert quiet_request(text) == QuietRequest("quiet", 60 * minutes)


@given(st.integers(0, 10**30), st.sampled_from(["seconds", "hours", "weeks", "秒", "時間", "日"]))
def test_no_wish_is_for_longer_than_a_day_or_for_no_time(number: int, unit: str) -> None:
    text = f"be quiet for {number} {unit}" if unit.isascii() else f"{number}{unit}静かにして"
    request = quiet_request(text)
    assert request is None or (request.seconds is not None and 0 < request.seconds <= MAX_QUIET)
    assert (request is None) is not (1 <= number < 10**6)


WORDS = st.sampled_from(
    [
        *(
            "be quiet",
            "please",
            "for",
            "ten minutes",
            "you can talk",
            "again",
            "unless i call",
            "only speak",
        ),
        *(
            "when",
            "the library",
            "Alice",
            ",",
            ".",
            "?",
            "!",
            '"',
            "'",
            "-",
            "静かに",
            "して",
            "10分",
            "もう",
        ),
        *(
            "話して",
            "いい",
            "よ",
            "呼んだ",
            "とき",
            "だけ",
            "は",
            "から",
            "まで",
            "数",
            "半",
            "一",
            "、",
            "。",
            "「",
        ),
    ]
)


@given(st.lists(WORDS | st.text(max_size=5), max_size=60), st.sampled_from(["", " "]))
@example(["\ud800", "静かにして"], "")
@example(["静かにして、"] * 60, "")
@example(["be quiet, "] * 40, "")
@example(["please "] * 57, "")
def test_no_text_breaks_it_or_takes_long(words: list[str], space: str) -> None:
    text = space.join(words)[:MAX_LENGTH]
    began = time.process_time()
    request = quiet_request(text, NAMES)
    assert time.process_time() - began < 1
    assert request is None or request.seconds is None or 0 < request.seconds <= MAX_QUIET
    assert quiet_request("x" * MAX_LENGTH + text) is None


@pytest.mark.parametrize("name", ["", " ", ".*", "(", "a|b", "\\"])
def test_any_name_is_just_a_name(name: str) -> None:
    assert quiet_request("the sea is quiet", [name]) is None
    assert quiet_request("海は静かにして", [name]) is None
    assert quiet_request("be quiet", [name]) == QuietRequest("quiet")
