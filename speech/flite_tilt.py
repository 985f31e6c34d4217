"""Pitch control for flite's `rms`, whose F0 model (SPAM: phrase level plus tilt accents, in log Hz)
does not listen to int_f0_target_mean.

The voice gets its own writable copy of the accent table; moving and scaling that table moves and
scales the log F0 contour, because every syllable carries one accent.
"""

import ctypes
import math
from ctypes import POINTER, c_char_p, c_float, c_int, c_void_p
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotion.errors import ProviderError
from speech import flite_library

_PEAK, _SWING = 0, 2  # columns of the accent table: level of the accent, height of its move


class _ClusterGenDb(ctypes.Structure):
    """cst_cg_db of flite 2.x, all of it, so that it can be copied."""

    _fields_ = (
        ("name", c_char_p), ("types", c_void_p), ("num_types", c_int), ("sample_rate", c_int),
        ("f0_mean", c_float), ("f0_stddev", c_float), ("num_f0_models", c_int),
        ("f0_trees", c_void_p), ("num_param_models", c_int), ("param_trees", c_void_p),
        ("accent_tree", c_void_p), ("phrase_tree", c_void_p), ("num_channels", c_void_p),
        ("num_frames", c_void_p), ("model_vectors", c_void_p), ("accent_channels", c_int),
        ("accent_frames", c_int), ("accent_vectors", POINTER(POINTER(c_float))),
        ("model_min", c_void_p), ("model_range", c_void_p), ("qtable", c_void_p),
        ("model_shape", c_int), ("frame_advance", c_float), ("num_dur_models", c_int),
        ("dur_stats", c_void_p), ("dur_cart", c_void_p), ("phone_states", c_void_p),
        ("do_mlpg", c_int), ("dynwin", c_void_p), ("dynwinsize", c_int), ("mlsa_alpha", c_float),
        ("mlsa_beta", c_float), ("multimodel", c_int), ("mixed_excitation", c_int),
        ("me_num", c_int), ("me_order", c_int), ("me_h", c_void_p), ("spamf0", c_int),
        ("gain", c_float), ("phoneset", c_void_p), ("char_sym_map", c_void_p),
        ("sym_phone_map", c_void_p), ("freeable", c_int),
    )  # fmt: skip


class TiltPitch:
    """The accent table of one voice. Use it under the lock that guards synthesis."""

    def __init__(self, features: int) -> None:
        library = flite_library.load()
        pointer = library.val_cg_db(library.feat_val(features, b"cg_db"))
        original = _ClusterGenDb.from_address(pointer)
        _check_layout(original)
        frames, channels = original.accent_frames, original.accent_channels
        vectors = original.accent_vectors
        self._neutral = np.stack(
            [np.ctypeslib.as_array(vectors[i], (channels,)) for i in range(frames)]
        )
        self._table: NDArray[np.float32] = self._neutral.copy()
        rows = (POINTER(c_float) * frames)(
            *(row.ctypes.data_as(POINTER(c_float)) for row in self._table)
        )
        self._database = _ClusterGenDb()
        ctypes.pointer(self._database)[0] = original
        self._database.accent_vectors = ctypes.cast(rows, POINTER(POINTER(c_float)))
        self._database.freeable = 0
        self._alive: Any = rows
        library.feat_set(features, b"cg_db", library.cg_db_val(ctypes.addressof(self._database)))

    def set(self, pitch: float, spread: float) -> None:
        """pitch: ratio of the mean F0; spread: ratio of the log F0 range."""
        level = self._neutral[:, _PEAK]
        centre = level.mean()
        self._table[:, _PEAK] = centre + (level - centre) * spread + math.log(pitch)
        self._table[:, _SWING] = self._neutral[:, _SWING] * spread


def _check_layout(database: _ClusterGenDb) -> None:
    """Fields along the structure must look as in flite 2.x before anything is trusted."""
    plausible = (
        database.sample_rate == 16000
        and database.spamf0 == 1
        and database.freeable == 0
        and abs(database.frame_advance - 0.005) < 1e-6
        and 0.5 < database.gain < 3.0
        and 0 < database.accent_frames < 10_000
        and 7 <= database.accent_channels < 100
    )
    if not plausible:
        raise ProviderError(
            "The flite voice rms has an unknown layout, so its pitch cannot be set.",
            "Choose another voice, for example flite/slt.",
        )
