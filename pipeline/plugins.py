"""Finds engines by name: built-in ones and those of other packages come through one door.

A plug-in is a class registered under an entry-point group (docs/plugins.md).
"""

from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from emotion.errors import ConfigError

GROUPS = ("limner.llm", "limner.tts", "limner.asr", "limner.avatar", "limner.emotion")

Plugin = Callable[..., Any]
Lookup = Callable[[str], Iterable[EntryPoint]]


def _installed(group: str) -> Iterable[EntryPoint]:
    return entry_points(group=group)


def names(group: str, lookup: Lookup = _installed) -> list[str]:
    """The names registered under a group, sorted. Raises ConfigError for an unknown group."""
    return sorted(_by_name(group, lookup))


def reference(group: str, name: str, lookup: Lookup = _installed) -> str:
    """Where a plug-in lives, as "module:Class"; worker processes import it themselves.

    Raises ConfigError for an unknown group or name (the known ones are listed).
    """
    return _find(group, name, lookup).value


def load(group: str, name: str, lookup: Lookup = _installed) -> Plugin:
    """The class or factory registered as `name`; it is imported only now.

    Raises ConfigError as `reference`, and when the plug-in cannot be imported (with its reason).
    """
    return _import(group, _find(group, name, lookup))


def _find(group: str, name: str, lookup: Lookup) -> EntryPoint:
    found = _by_name(group, lookup)
    if name not in found:
        known = ", ".join(sorted(found)) or "none; is limner installed (make chat)?"
        raise ConfigError(f'There is no {group} plug-in "{name[:60]}".', f"Known: {known}.")
    return found[name]


def _by_name(group: str, lookup: Lookup) -> dict[str, EntryPoint]:
    if group not in GROUPS:
        raise ConfigError(f'There is no plug-in group "{group}".', f"Known: {', '.join(GROUPS)}.")
    return {point.name: point for point in lookup(group)}


def _import(group: str, point: EntryPoint) -> Plugin:
    try:
        plugin = point.load()
    except Exception as error:  # whatever third-party code does when it is imported
        raise ConfigError(
            f'The {group} plug-in "{point.name}" ({point.value}) does not load: '
            f"{type(error).__name__}: {error}.",
            "Install what it needs, or choose another.",
        ) from error
    if not callable(plugin):
        raise ConfigError(
            f'The {group} plug-in "{point.name}" ({point.value}) is not a class or function.',
            "Correct its entry point.",
        )
    checked: Plugin = plugin
    return checked
