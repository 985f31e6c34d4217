"""The embedded brain: a LangChain chat model that needs no network, no key and no weights."""

from agent.brain.model import EmbeddedBrain

__all__ = ["EmbeddedBrain"]
