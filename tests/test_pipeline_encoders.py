"""Encoders: what comes out is decoded again by FFmpeg's own decoders."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.encoders import EncodedPicture, H264Encoder, JpegEncoder, VideoEncoder

SIZE = 128
START = b"\x00\x00\x00\x01"


def face(at: float, size: int = SIZE) -> NDArray[np.uint8]:
    """A smooth, skin-coloured blob that sways with `at`."""
    y, x = np.mgrid[0:size, 0:size] / size
    blob = np.exp(-(((x - 0.5 - 0.02 * np.sin(at)) / 0.25) ** 2 + ((y - 0.5) / 0.3) ** 2))
    colour = np.array([224, 172, 145]) * blob[..., None] + np.array([60, 80, 110]) * (
        1 - blob[..., None]
    )
    return colour.round().astype(np.uint8)


def encode(encoder: VideoEncoder, count: int) -> list[EncodedPicture]:
    return [encoder.encode(face(at / 5), at * 960) for at in range(count)]


def decode(pictures: list[EncodedPicture]) -> list[NDArray[np.uint8]]:
    """H.264 packets to (H, W, 3) uint8, as a BT.601 limited-range decoder shows them."""
    import av

    context = av.CodecContext.create("h264", "r")
    frames = [f for one in pictures for f in context.decode(av.Packet(one.data))]
    frames += context.decode(None)
    assert all((f.colorspace, f.color_range, f.color_primaries) == (6, 1, 1) for f in frames)
    return [f.reformat(format="rgb24", src_colorspace="ITU601").to_ndarray() for f in frames]


def units(data: bytes) -> list[int]:
    """Types of the NAL units of an Annex B packet: 7 SPS, 8 PPS, 5 key picture, 1 other."""
    return [
        part[0] & 31 for part in data.replace(START, b"\x00\x00\x01").split(b"\x00\x00\x01")[1:]
    ]


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2)))


def test_h264_gives_one_packet_a_picture_and_looks_like_it() -> None:
    pictures = encode(H264Encoder(SIZE), 60)
    shown = decode(pictures)
    assert len(shown) == 60
    assert min(psnr(got, face(at / 5)) for at, got in enumerate(shown)) > 38
    for at, got in enumerate(shown):
        assert np.abs(got.mean((0, 1)) - face(at / 5).mean((0, 1))).max() < 2.5  # no colour cast


def test_h264_key_frames_come_regularly_with_parameter_sets() -> None:
    pictures = encode(H264Encoder(SIZE, key_seconds=1.0), 51)
    assert [at for at, one in enumerate(pictures) if one.key] == [0, 25, 50]
    for one in pictures:
        kinds = units(one.data)
        assert one.data.startswith(START)
        assert (7 in kinds and 8 in kinds and 5 in kinds) is one.key
        assert (1 in kinds) is not one.key


def test_h264_key_frame_on_demand_starts_a_new_decoder() -> None:
    encoder = H264Encoder(SIZE)
    encode(encoder, 7)
    encoder.force_key()
    pictures = encode(encoder, 3)
    assert [one.key for one in pictures] == [True, False, False]
    assert len(decode(pictures)) == 3


def test_h264_has_no_reordered_pictures() -> None:
    import av

    context = av.CodecContext.create("h264", "r")
    for one in encode(H264Encoder(SIZE), 30):
        context.decode(av.Packet(one.data))
    assert context.has_b_frames == 0


def test_h264_rate_fits_a_slow_link() -> None:
    pictures = encode(H264Encoder(SIZE), 50)
    assert sum(len(one.data) for one in pictures) * 8 / 2 < 4 * SIZE * SIZE * 1.2  # bits a second


def test_jpeg_pictures_stand_alone() -> None:
    import cv2

    encoder = JpegEncoder(SIZE, 85)
    encoder.force_key()
    for at, one in enumerate(encode(encoder, 3)):
        assert one.key
        got = cv2.cvtColor(cv2.imdecode(np.frombuffer(one.data, np.uint8), 1), cv2.COLOR_BGR2RGB)
        assert psnr(got, face(at / 5)) > 38


def test_jpeg_quality_costs_bytes() -> None:
    low, high = (len(JpegEncoder(SIZE, q).encode(face(0), 0).data) for q in (30, 95))
    assert low < high


def test_non_contiguous_pictures_are_fine() -> None:
    turned = face(0)[::-1, ::-1]
    for encoder in (JpegEncoder(SIZE), H264Encoder(SIZE)):
        assert encoder.encode(turned, 0).data


@pytest.mark.parametrize("build", [JpegEncoder, H264Encoder])
@pytest.mark.parametrize("size", [0, 62, 65, 2050])
def test_sizes_out_of_range_are_refused(build: type, size: int) -> None:
    with pytest.raises(ValueError, match=r"even and in 64\.\.2048"):
        build(size)


@pytest.mark.parametrize("build", [JpegEncoder, H264Encoder])
def test_a_picture_of_another_size_is_refused(build: type) -> None:
    encoder = build(SIZE)
    with pytest.raises(ValueError, match="128, 128, 3"):
        encoder.encode(face(0, 64), 0)
    assert encoder.encode(face(0), 0).key


@pytest.mark.parametrize("quality", [0, 101])
def test_jpeg_quality_out_of_range_is_refused(quality: int) -> None:
    with pytest.raises(ValueError, match=r"1\.\.100"):
        JpegEncoder(SIZE, quality)
