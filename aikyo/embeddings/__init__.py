"""The sense of a text as a vector: by a table that is always there, or by a small model where one is
installed. Both run in this process, without a network."""

from .choosing import CHOICES, Choice, Embedder, choose_embedder
from .wordllama import DIMENSIONS, load_embedder

__all__ = ["CHOICES", "DIMENSIONS", "Choice", "Embedder", "choose_embedder", "load_embedder"]
