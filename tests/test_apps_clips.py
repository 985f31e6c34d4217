"""Whose voice a clip gets."""

import pytest

from apps.commands.clips import Look, _options
from avatar.portraits import gallery
from pipeline.config import Settings, VoiceSettings
from speech.types import Voice

HERE = [
    Voice("one/ann", "Ann", "en-US", "female", ""),
    Voice("one/bob", "Bob", "en-US", "male", ""),
    Voice("flite/slt", "Slate", "en-US", "female", ""),
]


class Voices:
    def voices(self):
        return HERE


@pytest.fixture(autouse=True)
def engine(monkeypatch):
    monkeypatch.setattr("apps.commands.clips.load", lambda group, name: Voices)


@pytest.mark.parametrize(
    ("portrait", "voice"),
    [
        ("", "flite/slt"),  # the persona of the settings, with their own voice
        ("mara", "flite/slt"),
        ("ruth", "flite/slt"),  # nobody's face: the persona's voice suits it
        ("kofi", "one/bob"),
        ("henrik", "one/bob"),  # his own voice is not on this machine
        ("somebody.jpg", "flite/slt"),
    ],
)
def test_a_face_gets_a_voice_that_suits_it(portrait, voice):
    assert _options(Look(portrait, ""), Settings()).voice == voice


def test_the_voice_of_the_settings_is_taken_as_it_is():
    settings = Settings(voice=VoiceSettings(id="one/ann"))
    assert _options(Look("kofi", ""), settings).voice == "one/ann"


def test_every_gallery_face_says_which_voices_suit():
    assert {entry.sex for entry in gallery()} == {"female", "male"}
