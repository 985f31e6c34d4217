"""What pages may ask: everything else is refused with a remedy."""

import json

import pytest

from emotion.errors import MediaError
from pipeline.requests import Hello, Mic, Text, parse_request


def test_known_requests_are_read() -> None:
    assert parse_request('{"type":"text","id":"a","text":"hi"}') == Text(
        type="text", id="a", text="hi"
    )
    assert parse_request('{"type":"mic","mode":"push"}') == Mic(type="mic", mode="push")
    assert isinstance(parse_request('{"type":"hello"}'), Hello)


@pytest.mark.parametrize(
    "data",
    [
        "",
        "not json",
        "[]",
        "null",
        '{"type":"format_disk"}',
        '{"type":"text","id":"a"}',
        '{"type":"text","id":"a","text":7}',
        '{"type":"text","id":"' + "a" * 65 + '","text":""}',
        '{"type":"mic","mode":"loud"}',
        '{"type":"stop","extra":1}',
        json.dumps({"type": "text", "id": "a", "text": "x" * 1_000_001}),
        "[" * 100_000,
    ],
)
def test_anything_else_is_a_clear_error(data: str) -> None:
    with pytest.raises(MediaError) as caught:
        parse_request(data)
    assert caught.value.remedy
