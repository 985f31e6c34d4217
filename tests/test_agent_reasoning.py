"""What a model thinks to itself before it answers is never said."""

import pytest

from agent.reasoning import Reasoning


def heard(*tokens):
    reply = Reasoning()
    return "".join([*map(reply.feed, tokens), reply.finish()])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<think>The user wants a word.</think>\n\nHello.", "\n\nHello."),
        ("\n<think>\n</think>Hello.", "Hello."),
        ("<THINK>a</Think> Hello <think>.", " Hello <think>."),
        ("Hello. <think>x</think>", "Hello. <think>x</think>"),
        ("<thinker> Hi", "<thinker> Hi"),
        ("<thin", "<thin"),
        ("<think>never ends", ""),
        (" <feel>glad</feel> Hi", " <feel>glad</feel> Hi"),
        ("", ""),
    ],
)
def test_reasoning_is_left_out_however_it_is_cut(text, said):
    assert heard(text) == said
    assert heard(*text) == said
    for cut in range(len(text)):
        assert heard(text[:cut], text[cut:]) == said


def test_words_are_not_held_back():
    reply = Reasoning()
    assert reply.feed("Hel") == "Hel" and reply.feed("<") == "<"
