"""How Japanese asks for quiet, and gives leave to talk again. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from ..wire import MAX_QUIET, QuietMode
from .durations import take_duration
from .quiet_wishes import Clauses, Trail, Wish

__all__ = ["spoils", "trail", "wish"]

_SPEAK = r"(?:話す|はなす|喋る|しゃべる|お喋り|おしゃべり|会話|発言)"
_HUSH_TE = (
    r"(?:お?静かにし|お?しずかにし|大人しくし|おとなしくし|黙っ|だまっ|口を?閉じ|ミュートにし|ミュートし)"
    r"(?:て(?:い?て|おいて|いておいて)?|(?:と|とい)て|といて)"
    rf"|{_SPEAK}(?:の|こと)?[はを]?(?:やめて|止めて|控えて|ストップして)"
    r"|(?:話さ|喋ら|しゃべら|話しかけ|返事し|発言し|口を出さ|口出しし|何も言わ|なにも言わ)ないで(?:い?て|おいて)?"
)
_ASKING = (
    r"(?:くれると(?:助かる|嬉しい|うれしい|ありがたい)(?:です|んだ|んです)?(?:けど|が)?|"
    r"くださいませんか|ください(?:ませ)?|下さい|くれ(?:ない(?:かな|か)?|ませんか|ますか|る(?:かな|か)?)?"
    r"|もらえ(?:ない(?:かな|か)?|ませんか|ますか|る(?:かな|か)?)|もらっていい(?:ですか)?|ちょうだい|頂戴"
    r"|(?:ほしい|欲しい)(?:です|んです|んだ|の)?(?:けど|が)?|いただけ(?:ませんか|ますか|る)|お願い(?:します|できますか)?"
    r"|頼む|よう?だい)"
)
_END = r"(?:ってば|ったら|[ねよなっー~])*"
_HUSH = (
    rf"(?:{_HUSH_TE}){_ASKING}?{_END}"
    r"|(?:静かに|しずかに|大人しく|おとなしく)(?:しろ|しなさい|せよ|しましょう|しよう)"
    rf"{_END}|(?:黙|だま)(?:れ|りなさい){_END}|(?:話す|喋る|しゃべる|何も言う)な{_END}|静粛に(?:願います|お願いします)?"
    r"|お静かに|静かに(?:願います|お願い(?:します)?|頼む|ね)|し(?:っ|ー|~)+っ?|シ(?:ッ|ー)+ッ?"
)
_CALLED = (
    r"(?:(?:私|わたし|僕|ぼく|俺|おれ|こっち|こちら|誰か|だれか)(?:が|から|に)?)?(?:名前[をで])?"
    r"(?:呼んだ|よんだ|呼ばれた|よばれた|呼びかけた|聞いた|聞かれた|きかれた|話しかけた|話しかけられた"
    r"|声をかけた|声をかけられた|指名した|指名された|メンションした|メンションされた|言われた)"
)
_WHEN = r"(?:とき|時|場合|ときに|時に|場合に)"
_ANSWER = (
    r"(?:話し|喋っ|しゃべっ|返事し|返事をし|答え|応え|こたえ|返し|反応し|発言し|口を開い"
    r"|しゃべるようにし|話すようにし)て"
)
_ONLY_WHEN = (
    rf"{_CALLED}{_WHEN}(?:だけ|のみ)(?:は|に)?{_ANSWER}{_ASKING}?{_END}"
    rf"|{_CALLED}{_WHEN}(?:以外は?|しか|だけしか)(?:に)?(?:{_HUSH})"
    rf"|(?:話す|喋る|しゃべる|返事する|返事をする|答える|発言する)のは{_CALLED}{_WHEN}(?:だけ|のみ)"
    rf"(?:で|にして|でいい|でお願い(?:します)?)?{_ASKING}?{_END}"
)
_FINE = (
    r"(?:いい|良い|よい|ok|オッケー|オーケー|大丈夫|だいじょうぶ|構わない|かまわない|結構)(?:です|だ)?"
    r"(?:から)?[よねぞわー!]*"
)
_LEAVE = (
    rf"(?:話し|喋っ|しゃべっ|お喋りし|おしゃべりし|発言し|声を出し|口を開い|会話し)ても?{_FINE}"
    rf"|(?:静かにし|静かにしてい?|黙ってい?|黙ら|だまってい?|だまら)なくても?{_FINE}"
    r"|(?:沈黙|ミュート)を?(?:は)?(?:解除|やめ|解い|終わり|おしまい)(?:し?て)?"
    rf"{_ASKING}?{_END}|静かにするのは(?:終わり|おしまい|もういい){_END}"
    rf"|(?:自由に|普通に|ふつうに|いつも(?:の)?(?:通り|とおり|どおり|ように)に?|普段(?:通り|どおり)に?)(?:話し|喋っ|しゃべっ)て"
    rf"(?:い?て)?(?:{_FINE}|{_ASKING}?{_END})"
)
_WISHES: tuple[tuple[re.Pattern[str], QuietMode], ...] = (
    (re.compile(_ONLY_WHEN), "mention-only"),
    (re.compile(_LEAVE), "normal"),
    (re.compile(_HUSH), "quiet"),
)
_WEAK = re.compile(r"お?静かに|しずかに|静粛に")

_CALL = r"(?:呼|よ)(?:ぶ|ばれる)|(?:話しかけ|声をかけ)(?:る|られる)|聞(?:く|かれる)"
_UNTIL_CALLED = re.compile(
    rf"(?:[^、]{{0,6}}?[がをに])?(?:(?:{_CALL})まで(?:は|ずっと|の間)?"
    r"|(?:呼ば|よば|呼ばれ|よばれ|聞か|聞かれ|話しかけ|話しかけられ|声をかけ|声をかけられ)(?:ない限り|なければ|ないなら)は?)"
)
_UNTIL_LATER = re.compile(
    r"(?:明日|あした|朝|明朝|昼|夕方|夜|今夜|\d{1,2}時)[^、]{0,6}?まで(?:は|ずっと|の間)?"
)
_UNTIL = re.compile(r"[^、]{1,16}?(?:まで|(?<=[るいたの])(?:あいだ|間))(?:は|ずっと|の間)?")
_BECAUSE = re.compile(r"[^、]{1,20}?(?:から|ので|けど)")
_REASON = re.compile(
    r".*(?:から|ので|[いるたな]んだ|[いるたな]んです|けど|中です?|中だ|たい|ないと|たいんだ)[ねさよ]*"
)

_FILLERS = (
    "ねえ|ねぇ|ね|おい|あの|あのさ|あのね|さあ|さて|もう|ちょっと|少し|すこし|悪いけど|悪いんだけど"
    "|悪い|すまないけど|すみません|すみませんが|すみませんけど|すまん|ごめん|ごめんね|ごめんなさい"
    "|申し訳ないけど|お願い|お願いだから|お願いします|おねがい|おねがいします|頼む|頼むから|どうか"
    "|とにかく|いい加減|いい加減に|いいかげん|みんな|皆|皆さん|みなさん|全員|二人とも|ふたりとも|君"
    "|君たち|きみ|きみたち|あなた|あなたたち|お前|お前ら|おまえ|おまえら|今|今は|今だけ|今から|いま"
    "|いまは|とりあえず|まず|次は|これから|これで|では|じゃあ|じゃ|はい|うん|よし|本当に|ほんと"
    "|ほんとに|絶対|絶対に|ちゃんと|ずっと|ひとまず|一旦|いったん|また|そろそろ|ください|やっぱり"
    "|やっぱ|やはり|ありがとう|普通に|自由に"
)
_HONORIFIC = r"(?:ちゃん|さん|くん|君|さま|様|先輩|先生)?"

_SAYING = re.compile(
    r"(?:言[わいうっ]|いった$|叫|怒鳴|怒られ|頼まれ|書い[てた]|書かれ|聞こえ|って$|^って|^と[言い思書叫]|という|思[いうっ])"
)
_CONDITION = re.compile(
    r".*(?:たら|れば|なら|とき|ときは|ときに|時|時は|場合|場合は|では|には|とは|は|と)$"
)


def wish(clause: str, said: Clauses) -> Wish | None:
    """The wish that `clause` is; see `quiet_wishes.Rules`."""
    fillers = _fillers(said.names)
    lead = Trail()
    start = clause
    while clause:
        for pattern, mode in _WISHES:
            match = pattern.match(clause)
            rest = _trail(clause[match.end() :], fillers, whole=False) if match else None
            # 「話していい？」 asks for leave, it does not give it
            if rest is not None and not (said.asked and mode == "normal"):
                return Wish(mode, rest | lead)
        if (word := _WEAK.fullmatch(clause)) is not None:
            return Wish("quiet", lead, weak=word.group() == start)
        found = _take(clause, fillers, whole=True)
        if found is None:
            return None
        lead, clause = lead | found[0], found[1]
    return None


def trail(clause: str, names: tuple[str, ...]) -> Trail | None:
    """What `clause` adds to a wish beside it; see `quiet_wishes.Rules`."""
    return _trail(clause, _fillers(names), whole=True)


def spoils(clause: str, *, before: bool, names: tuple[str, ...]) -> bool:
    """Whether `clause` shows that a wish beside it is none; see `quiet_wishes.Rules`."""
    if trail(clause, names) is not None:
        return False
    if before:
        return _SAYING.search(clause) is not None or _CONDITION.match(clause) is not None
    # 「黙って、本を読んだ」: what follows is what is told, and the wish is only how it was done
    return not (_REASON.fullmatch(clause) or _is_wish(clause, names))


def _is_wish(clause: str, names: tuple[str, ...]) -> bool:
    return wish(clause, Clauses((clause,), names=names)) is not None


def _take(clause: str, fillers: re.Pattern[str], *, whole: bool) -> tuple[Trail, str] | None:
    """What may stand beside a wish: a duration, politeness, a name; and before it (`whole`) until when,
    and why."""
    if (taken := take_duration(clause)) is not None:
        return Trail(taken[0]), taken[1]
    if whole and (match := _UNTIL_CALLED.match(clause)):
        return Trail(mention=True), clause[match.end() :]
    if whole and (match := _UNTIL_LATER.match(clause)):  # no clock here: it is not for longer than that
        return Trail(MAX_QUIET), clause[match.end() :]
    if match := fillers.match(clause):
        return Trail(), clause[match.end() :]
    if whole and (match := _UNTIL.match(clause) or _BECAUSE.match(clause)):
        return Trail(), clause[match.end() :]
    return None


def _trail(rest: str, fillers: re.Pattern[str], *, whole: bool) -> Trail | None:
    found = Trail()
    while rest:
        taken = _take(rest, fillers, whole=whole)
        if taken is None:
            return None
        found, rest = found | taken[0], taken[1]
    return found


@lru_cache(32)
def _fillers(names: tuple[str, ...]) -> re.Pattern[str]:
    """One word beside the point, or a name, with the particle after it."""
    words = "|".join(sorted(_FILLERS.split("|"), key=len, reverse=True))
    known = "".join(f"|{re.escape(''.join(name.split()))}{_HONORIFIC}" for name in names)
    return re.compile(rf"(?:{words}{known})(?:[はとがに]|も(?!う))?")
