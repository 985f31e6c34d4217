"""The wire format of media packets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatar.types import Activity
from pipeline.packets import HEADER, Kind, MediaPacket


@given(
    st.sampled_from(Kind),
    st.integers(0, 1),
    st.booleans(),
    st.sampled_from(Activity),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**63),
    st.binary(max_size=50),
)
def test_packets_survive_the_wire(
    kind: Kind,
    codec: int,
    key: bool,
    activity: Activity,
    generation: int,
    turn: int,
    pts: int,
    data: bytes,
) -> None:
    packet = MediaPacket(kind, codec, key, activity, generation, turn, pts, 960, data)
    assert MediaPacket.decode(packet.encode()) == packet


def test_the_header_is_the_documented_24_bytes() -> None:
    packet = MediaPacket(Kind.VIDEO, 1, True, Activity.SPEAKING, 2, 3, 960, 960, b"x")
    assert HEADER.size == 24
    expected = "01010103" + "02000000" + "03000000" + "c003000000000000" + "c0030000" + "78"
    assert packet.encode().hex() == expected


@pytest.mark.parametrize("data", [b"", b"\1" * 23, b"\x09" * 40])
def test_malformed_packets_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        MediaPacket.decode(data)
