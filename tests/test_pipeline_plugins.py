"""Plug-ins: found by name, listed when the name is wrong, explained when broken."""

import sys
from importlib.metadata import EntryPoint

import pytest

from emotion.errors import ConfigError
from pipeline.plugins import GROUPS, load, names, reference


def lookup_of(*values):
    return lambda group: [EntryPoint(name, value, group) for name, value in values]


def test_built_in_engines_are_registered():
    found = {group: names(group) for group in GROUPS}
    assert "embedded" in found["limner.llm"]
    assert "embedded" in found["limner.tts"]
    assert {"pocketsphinx", "whisper"} <= set(found["limner.asr"])
    assert {"semo", "warp"} <= set(found["limner.avatar"])
    assert "lexicon" in found["limner.emotion"]


def test_a_plugin_is_imported_only_when_loaded():
    lookup = lookup_of(("one", "collections:OrderedDict"), ("two", "no_such_module:X"))
    assert names("limner.tts", lookup) == ["one", "two"]
    assert load("limner.tts", "one", lookup).__name__ == "OrderedDict"


@pytest.mark.parametrize("name", ["nope", "", "x" * 1000])
def test_a_wrong_name_lists_the_known_ones(name):
    with pytest.raises(ConfigError, match=r"no limner.tts plug-in.*Known: one, two\."):
        load("limner.tts", name, lookup_of(("two", "a:b"), ("one", "a:b")))


def test_the_reference_is_given_without_importing_it():
    assert reference("limner.tts", "a", lookup_of(("a", "no_such_module:X"))) == "no_such_module:X"


def test_nothing_installed_says_so():
    with pytest.raises(ConfigError, match="is limner installed"):
        load("limner.tts", "embedded", lookup_of())


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("no_such_module:X", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("collections:NoSuchName", "AttributeError"),
        ("sys:path", "not a class or function"),
    ],
)
def test_a_broken_plugin_gives_its_reason(value, reason):
    with pytest.raises(ConfigError, match=reason):
        load("limner.tts", "broken", lookup_of(("broken", value)))


def test_a_plugin_that_fails_while_importing_gives_its_reason(tmp_path, monkeypatch):
    (tmp_path / "exploding_plugin.py").write_text("raise RuntimeError('licence expired')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match="RuntimeError: licence expired"):
        load("limner.avatar", "boom", lookup_of(("boom", "exploding_plugin:X")))
    assert "exploding_plugin" not in sys.modules


def test_an_unknown_group_lists_the_groups():
    with pytest.raises(ConfigError, match=r"limner\.llm, limner\.tts"):
        names("limner.smell")
