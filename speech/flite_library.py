"""libflite by ctypes: the C functions, and sound that arrives while it is being made."""

import ctypes
from collections.abc import Iterator
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_float, c_int, c_short, c_void_p
from functools import cache

import numpy as np
from numpy.typing import NDArray

from emotion.errors import ProviderError

REMEDY = "Install it (Debian, Ubuntu: apt-get install libflite1) or choose an espeak voice."
STREAM_GO, STREAM_STOP = 0, -1
_MAJOR = 1  # of the soname: the API of flite 2.x


class Wave(ctypes.Structure):
    """cst_wave: 16-bit sound."""

    _fields_ = (
        ("type", c_char_p),
        ("sample_rate", c_int),
        ("num_samples", c_int),
        ("num_channels", c_int),
        ("samples", POINTER(c_short)),
    )


class _VoiceStruct(ctypes.Structure):
    _fields_ = (("name", c_char_p), ("features", c_void_p))  # the rest is not ours


class StreamInfo(ctypes.Structure):
    """cst_audio_streaming_info: flite calls `callback` whenever some sound is ready."""

    _fields_ = (
        ("min_samples", c_int),
        ("callback", c_void_p),
        ("utterance", c_void_p),
        ("item", c_void_p),
        ("user_data", c_void_p),
    )


# (wave, first sample, samples, is last, info) -> STREAM_GO or STREAM_STOP
StreamCallback = CFUNCTYPE(c_int, POINTER(Wave), c_int, c_int, c_int, POINTER(StreamInfo))

_FUNCTIONS: dict[str, tuple[object, ...]] = {  # result type, argument types
    "flite_init": (c_int,),
    "flite_synth_text": (c_void_p, c_char_p, c_void_p),
    "utt_wave": (POINTER(Wave), c_void_p),
    "delete_utterance": (None, c_void_p),
    "utt_relation_present": (c_int, c_void_p, c_char_p),
    "utt_relation": (c_void_p, c_void_p, c_char_p),
    "relation_head": (c_void_p, c_void_p),
    "item_next": (c_void_p, c_void_p),
    "item_feat_string": (c_char_p, c_void_p, c_char_p),
    "item_feat_float": (c_float, c_void_p, c_char_p),
    "ffeature_string": (c_char_p, c_void_p, c_char_p),
    "ffeature_float": (c_float, c_void_p, c_char_p),
    "feat_set": (None, c_void_p, c_char_p, c_void_p),
    "feat_val": (c_void_p, c_void_p, c_char_p),
    "feat_set_float": (None, c_void_p, c_char_p, c_float),
    "new_audio_streaming_info": (POINTER(StreamInfo),),
    "audio_streaming_info_val": (c_void_p, c_void_p),
    "val_cg_db": (c_void_p, c_void_p),
    "cg_db_val": (c_void_p, c_void_p),
}


def _open(soname: str) -> ctypes.CDLL:
    return ctypes.CDLL(soname, mode=ctypes.RTLD_GLOBAL)


@cache
def present(library: str) -> bool:
    """Whether "flite" or a voice library such as "flite_cmu_us_slt" is on this machine."""
    try:
        _open(f"lib{library}.so.{_MAJOR}")
    except OSError:
        return False
    return True


@cache
def load() -> ctypes.CDLL:
    """The library with its functions typed. Raises ProviderError when it is missing or foreign."""
    try:
        library = _open(f"libflite.so.{_MAJOR}")
        for name, (result, *arguments) in _FUNCTIONS.items():
            function = getattr(library, name)
            function.restype = result
            function.argtypes = arguments
    except (OSError, AttributeError) as error:
        raise ProviderError(f"The voice engine flite does not load ({error}).", REMEDY) from error
    library.flite_init()
    return library


def register(voice_library: str, function: str) -> tuple[int, int]:
    """Pointers to a voice and to its features. Raises ProviderError when it is missing."""
    load()
    try:
        enter = getattr(_open(f"lib{voice_library}.so.{_MAJOR}"), function)
    except (OSError, AttributeError) as error:
        raise ProviderError(f"A flite voice does not load ({error}).", REMEDY) from error
    enter.restype, enter.argtypes = c_void_p, [c_char_p]
    voice = enter(None)
    features = ctypes.cast(voice, POINTER(_VoiceStruct)).contents.features
    return int(voice), int(features)


def seed_noise() -> None:
    """Start the noise of unvoiced sounds anew, so that the same text gives the same samples.

    flite draws from the C library's rand(). Nothing else in a voice process does; should another
    thread draw one number meanwhile, the hiss differs and nothing more.
    """
    ctypes.CDLL(None).srand(1)


def attach_stream(features: int, callback: object, min_samples: int) -> None:
    """Make a voice call back while it speaks. The caller keeps `callback` alive for good."""
    library = load()
    info = library.new_audio_streaming_info()
    info.contents.min_samples = min_samples
    info.contents.callback = ctypes.cast(callback, c_void_p)  # type: ignore[arg-type]
    library.feat_set(features, b"streaming_info", library.audio_streaming_info_val(info))


def items(utterance: int, relation: str) -> Iterator[int]:
    """The items of one of an utterance's relations, in order."""
    library = load()
    if not library.utt_relation_present(utterance, relation.encode()):
        return
    item = library.relation_head(library.utt_relation(utterance, relation.encode()))
    while item:
        yield item
        item = library.item_next(item)


def samples(wave: Wave, start: int, size: int) -> NDArray[np.float32]:
    """(size,) float32 in [-1, 1], copied out of flite's memory."""
    if size <= 0:
        return np.zeros(0, np.float32)
    whole = np.ctypeslib.as_array(wave.samples, (start + size,))
    return whole[start:].astype(np.float32) / np.float32(32768)
