"""A talk without end or sense, as long as a benchmark needs it."""

from __future__ import annotations

import random
import string

from aikyo.memory import Entry
from aikyo.memory.recall.stopwords import STOP_WORDS

__all__ = ["Talk"]


class Talk:
    """An endless talk of made-up words, as common and as rare as words are, a fifth in Japanese."""

    def __init__(self, rng: random.Random) -> None:
        self._random = rng
        self._count = 0
        self._small = sorted(STOP_WORDS)
        self._words = [
            "".join(rng.choices(string.ascii_lowercase, k=rng.randint(3, 9))) for _ in range(20_000)
        ]
        self._kanji = ["".join(chr(rng.randint(0x4E00, 0x5FFF)) for _ in range(2)) for _ in range(8_000)]

    def entry(self) -> Entry:
        self._count += 1
        return Entry(
            uid=f"{self._count}-{self._random.getrandbits(32)}",
            time=1.7e9 + self._count * 20,
            kind="heard",
            topic="messages",
            sender=self._random.choice(("user_mika", "companion_bob", "companion_carol")),
            conversation=f"c{self._count // 30}",
            text=self.text(),
            body='{"message": "' + "x" * 150 + '"}',
        )

    def text(self) -> str:
        if self._random.random() < 0.2:
            return "".join(
                self._common(self._kanji) + self._random.choice("はがをにでの") for _ in range(5)
            ) + self._random.choice(("ですね。", "しました。", "と思います。"))
        return " ".join(
            self._random.choice(self._small)
            if self._random.random() < 0.5
            else self._common(self._words)
            for _ in range(self._random.randint(5, 20))
        )

    def _common(self, words: list[str]) -> str:
        """A word by Zipf's law, whose first places the small words hold."""
        first = len(self._small)
        place = first * ((first + len(words)) / first) ** self._random.random()
        return words[min(int(place) - first, len(words) - 1)]
