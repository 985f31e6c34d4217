import pytest

from speech.arpabet import _IPA, PHONES, from_ipa


@pytest.mark.parametrize(
    ("ipa", "phones"),
    [
        ("ˈoʊ", ("ow",)),
        ("ɔːɹ", ("ao", "r")),
        ("tʃ", ("ch",)),
        ("dʒ", ("jh",)),
        ("əl", ("ax", "l")),
        ("aɪɚ", ("ay", "er")),
        ("ŋ", ("ng",)),
        ("ts", ("t", "s")),
        ("yː", ("uw",)),
        ("tɕʰ", ("ch",)),
        ("ɡ", ("g",)),
        ("", ()),
        ("ˈː5", ()),
    ],
)
def test_ipa_becomes_arpabet(ipa: str, phones: tuple[str, ...]) -> None:
    assert from_ipa(ipa) == phones


def test_every_target_is_in_the_phone_set() -> None:
    assert {phone for value in _IPA.values() for phone in value.split()} <= PHONES
