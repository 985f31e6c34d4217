"""Face tracks and what becomes of a folder of clips."""

import json

import numpy as np
import pytest

from avatar.portrait import built_in_check, built_in_finder
from avatar.training.clips.config import Config
from avatar.training.clips.prepare import prepare
from avatar.training.clips.reading import Picture
from avatar.training.clips.report import write_report
from avatar.training.clips.store import load_clip
from avatar.training.clips.tracks import tracks
from emotion.errors import MediaError
from tests.clip_files import face_frames, write_clip

CONFIG = Config(shortest=0.4, apart=0.2)


def followed(frames):
    pictures = [Picture(at / 25, rgb) for at, rgb in enumerate(frames)]
    return tracks(pictures, built_in_finder(), built_in_check(), CONFIG)


def test_one_face_is_one_track():
    (track,) = followed(face_frames(12))
    assert len(track.times) == 12 and track.good.all()
    assert track.ended == "end of the clip"
    assert track.points.shape == (12, 150, 2)


def test_a_cut_a_second_face_and_nobody_end_a_track():
    one, other = face_frames(6), face_frames(6, "joseph")
    assert [t.ended for t in followed(one + other)] == ["cut", "end of the clip"]
    beside = [np.full_like(rgb, 90) for rgb in one]
    alone = [np.concatenate(pair, 1) for pair in zip(one, beside, strict=True)]
    both = [np.concatenate(pair, 1) for pair in zip(one, other, strict=True)]
    # A cut into the picture is a cut first; a face that is there from the start is none.
    assert followed(both) == []
    assert followed(alone)[0].ended == "end of the clip"
    assert next(t.ended for t in followed(one + beside)) in ("cut", "no face")


def test_faults_are_named():
    dark = [rgb // 16 for rgb in face_frames(4)]
    found = followed(dark)
    assert not found or set(found[0].faults) <= {"dark", "landmarks unsure", "no contrast"}
    assert not found or not found[0].good.any()
    small = [rgb[::4, ::4] for rgb in face_frames(4, size=512)]
    assert all(set(t.faults) <= {"small", "landmarks unsure"} for t in followed(small))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    data = tmp_path_factory.mktemp("clips")
    write_clip(data / "good.mp4", face_frames(20))
    write_clip(data / "short.mp4", face_frames(5))
    (data / "broken.mp4").write_bytes(b"no video at all")
    return data


def test_a_folder_becomes_shards_and_a_report(folder, tmp_path):
    prepared = prepare(folder, tmp_path, CONFIG)
    assert len(prepared.shards) == 1
    shard = load_clip(prepared.shards[0])
    assert shard.images.shape[1:] == (256, 256, 3) and len(shard.images) >= 3
    assert shard.points.shape == (len(shard.images), 150, 2)
    assert (shard.points > 0).all() and (shard.points < 256).all()
    assert shard.info["clip"] == "good.mp4" and shard.info["sync"]["verdict"] == "no sound"
    text = write_report(prepared, tmp_path)
    assert "3 clips, 1 of use" in text
    assert "broken.mp4: left out" in text and "short.mp4" in text and "less than 0.4 s" in text
    assert "not for speech: no sound" in text
    assert len(json.loads((tmp_path / "report.json").read_text())) == 3


def test_what_is_read_is_not_read_again_and_is_the_same(folder, tmp_path):
    first = prepare(folder, tmp_path / "a", CONFIG)
    stamp = first.shards[0].stat().st_mtime_ns
    assert prepare(folder, tmp_path / "a", CONFIG) == first
    assert first.shards[0].stat().st_mtime_ns == stamp
    again = prepare(folder, tmp_path / "b", CONFIG)
    assert again.shards[0].read_bytes() == first.shards[0].read_bytes()


def test_a_damaged_shard_is_said(tmp_path):
    path = tmp_path / "x.npz"
    path.write_bytes(b"PK no zip")
    with pytest.raises(MediaError, match="cannot be read"):
        load_clip(path)
