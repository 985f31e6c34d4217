"""`limner train motion --data` and `--adapt` say what is wrong in one line."""

import pytest

from avatar.training.clips.__main__ import main
from tests.clip_files import write_clip


def test_one_of_the_two_is_needed(capsys):
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert "--data" in capsys.readouterr().err


def test_a_missing_clip(tmp_path, capsys):
    status = main(["--adapt", str(tmp_path / "none.mp4"), "--out", str(tmp_path / "out")])
    assert status == 1
    assert "does not exist" in capsys.readouterr().err


def test_a_clip_without_a_face(tmp_path, capsys):
    import numpy as np

    clip = write_clip(tmp_path / "wall.mp4", [np.full((64, 96, 3), 90, np.uint8)] * 6)
    assert main(["--adapt", str(clip), "--out", str(tmp_path / "out")]) == 1
    assert "wall.mp4 cannot be used: wall.mp4 shows no single face" in capsys.readouterr().err


def test_a_folder_that_is_empty_and_weights_that_are_missing(tmp_path, capsys):
    (tmp_path / "data").mkdir()
    given = ["--data", str(tmp_path / "data"), "--out", str(tmp_path / "out")]
    none = tmp_path / "none.safetensors"
    assert main([*given, "--encoder", str(none)]) == 1
    assert "none.safetensors are missing" in capsys.readouterr().err
