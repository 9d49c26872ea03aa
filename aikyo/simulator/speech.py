"""Words for those who have nothing to say: sentences that are drawn, and hardly ever alike."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

__all__ = ["sentence"]

_WHO = (
    "my neighbour", "the baker", "an old sailor", "this gardener", "a tired teacher", "our postman",
    "some painter", "the youngest cousin", "a stranger", "that violinist", "the ferryman", "a fox",
    "the librarian", "one of the twins", "a watchmaker", "the whole village", "a hungry gull", "my aunt",
)  # fmt: skip
_DID = (
    "found", "painted", "forgot", "borrowed", "dreamt of", "repaired", "sold", "counted", "planted",
    "swam past", "wrote about", "hid", "photographed", "lost", "carried", "mocked", "built", "cooked",
)  # fmt: skip
_WHAT = (
    "a blue umbrella", "seven lanterns", "the broken clock", "a jar of plums", "an atlas of islands",
    "the last train", "a paper boat", "some wild mint", "a letter from Porto", "the quiet harbour",
    "an empty theatre", "a field of rye", "two grey pebbles", "the tallest chimney", "a map of caves",
    "an out-of-tune piano", "the moon", "a recipe for soup",
)  # fmt: skip
_WHERE = (
    "behind the mill", "during the storm", "near the old bridge", "on a foggy Tuesday", "before noon",
    "at the edge of town", "under a walnut tree", "in the first snow", "by the lighthouse", "in autumn",
    "after the concert", "between two meetings", "far upstream", "while it thundered", "at midnight",
    "across the border", "in somebody's attic", "without telling anyone",
)  # fmt: skip
_LEADS = ("", "", "", "I heard that ", "Strange: ", "You know, ", "It seems ", "Once ", "They say ")
_QUESTIONS = ("what would you do?", "have you seen that too?", "how come?", "do you believe it?")


def sentence(random: Random, *, to: Sequence[str] = (), asks: bool = False) -> str:
    """A sentence or two.

    Args:
        random: what it is drawn from.
        to: names; one of them is called.
        asks: whether it ends in a question.
    """
    said = [
        f"{random.choice(_LEADS)}{random.choice(_WHO)} {random.choice(_DID)} {random.choice(_WHAT)}"
        f" {random.choice(_WHERE)}."
        for _ in range(random.choice((1, 1, 1, 2, 3)))
    ]
    if to:
        said.insert(0, f"{random.choice(tuple(to))},")
    if asks:
        said.append(random.choice(_QUESTIONS))
    return " ".join(said)
