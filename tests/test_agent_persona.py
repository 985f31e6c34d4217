import pytest

from agent.persona import Persona, list_personas, load_persona
from agent.prompt import system_prompt
from emotion.errors import ConfigError

GOOD = "name: Zed\ntitle: a test\nabout: Zed tests.\nspeaking_style: plain\ngreeting: Hello.\n"


@pytest.mark.parametrize("name", list_personas())
def test_shipped_personas(name):
    persona = load_persona(name.upper())
    assert len(persona.knowledge) >= 5
    assert persona.mood().intensity <= 0.4
    prompt = system_prompt(persona)
    assert persona.name in prompt and "<feel>" in prompt and persona.knowledge[0] in prompt


def test_there_are_three():
    assert len(list_personas()) >= 3


def test_by_path(tmp_path):
    path = tmp_path / "zed.yaml"
    path.write_text(GOOD)
    assert load_persona(str(path)).name == "Zed"
    assert list_personas(tmp_path) == ("zed",)
    assert load_persona("zed", tmp_path).resting_mood == "neutral"


@pytest.mark.parametrize("name", ["nobody", "", "../../etc/passwd", "x" * 100_000, "missing.yaml"])
def test_unknown_name_lists_the_known(name):
    with pytest.raises(ConfigError) as caught:
        load_persona(name)
    assert "mara" in caught.value.remedy
    assert len(str(caught.value)) < 1_000


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (GOOD + "colour: red\n", "colour"),
        (GOOD.replace("title: a test\n", ""), "title"),
        (GOOD + "resting_mood: grumpyish\n", "resting_mood"),
        ("- a\n- list\n", "no keys"),
        ("a: [unclosed\n", "cannot be read"),
        ("", "no keys"),
        ("x" * 300_000, "too large"),
    ],
)
def test_bad_files_say_what_is_wrong(tmp_path, text, named):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=named):
        load_persona(str(path))


def test_unknown_key_lists_the_known_ones(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(GOOD + "colour: red\n")
    with pytest.raises(ConfigError) as caught:
        load_persona(str(path))
    assert all(key in caught.value.remedy for key in Persona.model_fields)
