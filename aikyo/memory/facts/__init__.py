"""Facts, reflections and what a companion believes of itself, with evidence."""

from .model import DAY, Fact, FactHit, FactKind, Level, NewFact
from .table import Facts

__all__ = ["DAY", "Fact", "FactHit", "FactKind", "Facts", "Level", "NewFact"]
