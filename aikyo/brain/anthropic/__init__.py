"""The brain that thinks with Claude. Its SDK is loaded when one is made."""

from .brain import MODEL, SMALL_MODEL, AnthropicBrain

__all__ = ["MODEL", "SMALL_MODEL", "AnthropicBrain"]
