"""Words that stand in every other sentence and tell nothing about what is sought."""

from __future__ import annotations

__all__ = ["STOP_PAIRS", "STOP_WORDS"]

_ENGLISH = """
a an the this that these those there here
i me my mine you your yours he him his she her hers it its we us our ours they them their theirs
who whom whose what which when where why how
am is are was were be been being do does did doing done have has had having
can could will would shall should may might must ought
and or but nor so if then than because as while until of at by for from in into on onto off
to too up down out over under with without about between through during before after
again also any all both each few more most much many some such other another same own only
just very really quite even ever never not no yes oh well ok okay please
s t d m o y ll re ve don didn doesn isn aren wasn weren won wouldn couldn shouldn
tell said say says know think like get got go going let thing things something
"""

STOP_WORDS = frozenset(_ENGLISH.split())
"""Of English, casefolded, as they are after the apostrophe has parted them."""

_JAPANESE = """
です ます まし した ませ せん てい いる いた いま いて って った たら から ない なか かっ なっ
こと もの とい いう いっ よう うに うな そう うで すか ので のは のが のを のに では には とは とか
にも でも とも する して され れて れる せて たい なん んで なに にか どこ だれ いつ どう どん んな
この その あの どの これ それ あれ ここ そこ ある あり あっ りま まる ろう だろ でし しょ だっ だよ
よね かな けど ても まで より ほど だけ など なの のか かし くだ ださ さい
"""

STOP_PAIRS = frozenset(_JAPANESE.split())
"""Of Japanese: pairs of kana in particles, copulas, endings and question words."""
