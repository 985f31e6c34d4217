"""The wire protocol between server and page: media packets (binary) and messages (JSON).

A media packet is a 24-byte little-endian header and its payload:

    offset  type  field
    0       u8    kind: 1 video, 2 audio
    1       u8    codec: video 0 JPEG, 1 H.264 Annex B; audio 0 signed 16-bit mono at 24 kHz
    2       u8    flags: bit 0 key frame
    3       u8    activity: 0 idle, 1 listening, 2 thinking, 3 speaking
    4       u32   generation: raised by each barge-in; older packets are dropped everywhere
    8       u32   turn (0 where the packet belongs to none)
    12      u64   pts: media-clock sample (24 kHz) of the first sample or of the frame
    20      u32   duration in samples

The page sends the microphone as bare binary: signed 16-bit mono at 16 kHz. All else is JSON
objects with a "type"; `docs/protocol.md` lists them.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from avatar.types import Activity

HEADER = struct.Struct("<BBBBIIQI")
KEY_FRAME = 1

Message = dict[str, Any]


class Kind(IntEnum):
    """What a media packet carries."""

    VIDEO = 1
    AUDIO = 2


class VideoCodec(IntEnum):
    """How a picture is coded."""

    JPEG = 0
    H264 = 1


@dataclass(frozen=True, slots=True)
class MediaPacket:
    """One coded picture or piece of sound; fields as in the module's table."""

    kind: Kind
    codec: int
    key: bool
    activity: Activity
    generation: int
    turn: int
    pts: int
    duration: int
    payload: bytes

    def encode(self) -> bytes:
        """The packet as it travels."""
        head = HEADER.pack(
            self.kind,
            self.codec,
            KEY_FRAME if self.key else 0,
            self.activity,
            self.generation,
            self.turn,
            self.pts,
            self.duration,
        )
        return head + self.payload

    @classmethod
    def decode(cls, data: bytes) -> "MediaPacket":
        """The inverse of `encode`. Raises ValueError on malformed data."""
        if len(data) < HEADER.size:
            raise ValueError(f"a media packet has at least {HEADER.size} bytes, got {len(data)}")
        kind, codec, flags, activity, generation, turn, pts, duration = HEADER.unpack_from(data)
        key = bool(flags & KEY_FRAME)
        return cls(
            Kind(kind), codec, key, Activity(activity), generation, turn, pts, duration,
            data[HEADER.size :],
        )  # fmt: skip
