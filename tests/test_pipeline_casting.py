"""A face gets a voice that suits it."""

import pytest

from agent.persona import load_persona
from emotion.errors import ConfigError
from pipeline.casting import Cast
from speech.types import Voice

VOICES = [
    Voice("flite/slt", "Slt", "en-US", "female", ""),
    Voice("flite/rms", "Rms", "en-US", "male", ""),
    Voice("espeak/en-us-m1", "M1", "en-US", "male", ""),
]


@pytest.mark.parametrize(
    ("persona", "portrait", "voice", "expected"),
    [
        ("mara", "mara", "auto", "flite/slt"),
        ("henrik", "henrik", "auto", "flite/rms"),
        ("mara", "kofi", "auto", "flite/rms"),  # a man's face does not get a woman's voice
        ("mara", "ines", "auto", "flite/slt"),
        ("mara", "me.jpg", "auto", "flite/slt"),  # an own picture: the persona decides
        ("mara", "kofi", "flite/slt", "flite/slt"),  # who names a voice gets it
    ],
)
def test_voices_suit_faces(persona: str, portrait: str, voice: str, expected: str) -> None:
    assert Cast(load_persona(persona), portrait, voice).voice_id(VOICES) == expected


def test_without_the_personas_own_voice_another_of_that_kind_speaks() -> None:
    assert Cast(load_persona("henrik"), "henrik").voice_id(VOICES[2:]) == "espeak/en-us-m1"
    assert Cast(load_persona("henrik"), "henrik").voice_id(VOICES[:1]) == "flite/slt"


def test_an_unknown_voice_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="flite/rms"):
        Cast(load_persona("mara"), "mara", "flite/nobody").voice_id(VOICES)
