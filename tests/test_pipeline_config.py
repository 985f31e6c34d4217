"""Settings: precedence, where values come from, and what is refused."""

import json

import pytest
from pydantic import ValidationError

from emotion.errors import ConfigError
from pipeline.config import Settings
from pipeline.config_sources import (
    find_preset,
    known_settings,
    load_settings,
    parse_override,
    preset_names,
    variable_of,
)


def load(overrides=None, file=None, **environ):
    return load_settings(overrides, file=file, environ=environ)


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "mine.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_defaults_need_nothing():
    effective = load()
    assert effective.settings == Settings()
    assert {source for _, _, source in effective.rows()} == {"default"}


def test_command_line_beats_environment_beats_file_beats_default(written):
    file = written("avatar: {size: 256}\nserver: {port: 1000}\nstream: {lead_speaking_ms: 300}\n")
    environ = {"LIMNER_AVATAR__SIZE": "384", "LIMNER_SERVER__PORT": "2000"}
    effective = load({"avatar.size": 768}, file, **environ)
    settings = effective.settings
    assert (settings.avatar.size, settings.server.port) == (768, 2000)
    assert (settings.stream.lead_speaking_ms, settings.stream.codec) == (300, "auto")
    assert effective.sources == {
        "avatar.size": "command line",
        "server.port": "environment LIMNER_SERVER__PORT",
        "stream.lead_speaking_ms": str(file),
    }


def test_overrides_of_none_are_not_set():
    assert "avatar.size" not in load({"avatar.size": None}).sources


def test_top_level_and_list_values_come_from_the_environment():
    settings = load(
        LIMNER_PERSONA="lin", LIMNER_SERVER__ALLOWED_ORIGINS="https://a.org, https://b.org"
    ).settings
    assert settings.persona == "lin"
    assert settings.server.allowed_origins == ("https://a.org", "https://b.org")


def test_one_underscore_after_the_section_is_as_good_as_two():
    settings = load(LIMNER_SERVER_MAX_SESSIONS="3", LIMNER_LLM_BASE_URL="http://x/v1").settings
    assert (settings.server.max_sessions, settings.llm.base_url) == (3, "http://x/v1")


def test_well_known_variables_are_honoured_and_ours_win():
    environ = {"OPENAI_API_KEY": "sk-1", "OPENAI_BASE_URL": "http://x/v1", "OLLAMA_HOST": "h:1"}
    effective = load(**environ, LIMNER_LLM__BASE_URL="http://y/v1")
    llm = effective.settings.llm
    assert llm.api_key is not None and llm.api_key.get_secret_value() == "sk-1"
    assert (llm.base_url, llm.ollama_host) == ("http://y/v1", "h:1")
    assert effective.sources["llm.api_key"] == "environment OPENAI_API_KEY"


def test_blank_values_mean_none():
    llm = load(LIMNER_LLM__BASE_URL=" ", LIMNER_LLM__API_KEY="", OPENAI_API_KEY=" ").settings.llm
    assert llm.base_url is None and llm.api_key is None


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_loads_and_is_named_as_source(name):
    effective = load(LIMNER_CONFIG=name)
    assert str(find_preset(name)) in effective.sources.values()


def test_presets_are_the_documented_ones():
    assert preset_names() == ["fast", "public", "quality"]
    assert load(file="fast").settings.avatar.size == 256
    assert load(file="quality").settings.avatar.size == 768
    public = load(file="public").settings.server
    assert public.host == "0.0.0.0" and public.max_sessions < Settings().server.max_sessions


def test_missing_file_names_the_presets():
    with pytest.raises(ConfigError, match=r'no configuration "nope".*fast, public, quality'):
        load(file="nope")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("avatar: {sise: 256}", r'"avatar\.sise".*mine\.yaml.*mean avatar\.size.*avatar\.fps'),
        ("avatr: {size: 256}", r'"avatr".*Known settings: persona, server, llm'),
        ("avatar: 256", r'"avatar" in .* is a section'),
        ("avatar: {size: {a: 1}}", r"avatar\.size cannot be set"),
        ("- a\n- b", r"not a mapping"),
        ("a: [", r"cannot be read"),
        ("1: 2", r'Unknown setting "1"'),
    ],
)
def test_bad_files_are_refused(written, text, expected):
    with pytest.raises(ConfigError, match=expected):
        load(file=written(text))


def test_files_that_are_no_text_or_too_large_are_refused(tmp_path):
    binary, large = tmp_path / "b.yaml", tmp_path / "l.yaml"
    binary.write_bytes(b"\xff\xfe\x00\x01")
    large.write_text("# x\n" * 400_000)
    for file, expected in ((binary, "cannot be read"), (large, "too large")):
        with pytest.raises(ConfigError, match=expected):
            load(file=file)


def test_an_empty_file_changes_nothing(written):
    assert load(file=written("# only a comment\navatar:\n")).settings == Settings()


def test_unknown_variables_are_refused_but_reserved_ones_pass():
    with pytest.raises(ConfigError, match=r"environment LIMNER_AVATAR__SISE"):
        load(LIMNER_AVATAR__SISE="256")
    load(LIMNER_SHARED="/x", LIMNER_TEST_ANYTHING="1", OTHER="2")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("avatar.size", 257),
        ("avatar.size", 126),
        ("avatar.size", 1026),
        ("avatar.size", "big"),
        ("avatar.fps", 30),
        ("server.port", 0),
        ("server.port", 65_536),
        ("server.root_path", "limner"),
        ("llm.base_url", "localhost:8000"),
        ("llm.temperature", -0.1),
        ("llm.temperature", "nan"),
        ("stream.codec", "vp8"),
        ("limits.max_message_chars", 0),
        ("log.level", "loud"),
        ("persona", ""),
        ("persona", "x" * 100_000),
    ],
)
def test_values_out_of_bounds_name_key_source_and_value(key, value):
    with pytest.raises(ConfigError) as caught:
        load({key: value})
    assert caught.value.message.startswith(f"{key} cannot be set to {str(value)[:20]!r}"[:40])
    assert "(command line)" in caught.value.message and len(str(caught.value)) < 1000


def test_secrets_are_never_shown():
    effective = load(OPENAI_API_KEY="sk-topsecret", LIMNER_LLM__BASE_URL="https://me:pw@host/v1")
    shown = json.dumps(effective.rows()) + repr(effective)
    assert "sk-topsecret" not in shown
    assert "me:pw" not in json.dumps(effective.rows()) and "********@host" in shown
    with pytest.raises(ConfigError) as caught:
        load(file=None, overrides={"llm.api_key": ["sk-topsecret"]})
    assert "topsecret" not in str(caught.value)


def test_settings_do_not_change():
    with pytest.raises(ValidationError):
        Settings().avatar.size = 256  # type: ignore[misc]


def test_every_setting_is_documented_and_reachable_from_the_environment():
    for key, info in known_settings().items():
        assert info.description, key
        assert variable_of(key).removeprefix("LIMNER_").lower().replace("__", ".") == key


@pytest.mark.parametrize("text", ["avatar.size", "=5", ""])
def test_overrides_are_assignments(text):
    with pytest.raises(ConfigError, match="section.key=value"):
        parse_override(text)


def test_override_values_may_contain_equals_signs():
    assert parse_override("llm.base_url=http://x/?a=b") == ("llm.base_url", "http://x/?a=b")
