"""libespeak-ng by ctypes: just enough to speak a clause and hear when each phoneme begins.

The library keeps its state in globals, so a process may load it once only and one clause is
spoken at a time: `_LOCK` guards every call.
"""

import _ctypes
import ctypes
import importlib.util
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, c_char, c_char_p, c_int, c_long, c_short, c_uint, c_void_p
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emotion.errors import ProviderError

_LOCK = threading.Lock()

_SYNCHRONOUS = 2
_PHONEME_EVENTS, _PHONEME_IPA, _DONT_EXIT = 0x1, 0x2, 0x8000
_UTF8 = 1
_SEED = 1
_WORD, _PHONEME = 1, 7  # event types that matter; 0 ends a list
_REMEDY = "Reinstall it: pip install --force-reinstall espeakng-loader"


class _EventId(ctypes.Union):
    _fields_ = (("number", c_int), ("name", c_char_p), ("string", c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", c_int),
        ("unique_identifier", c_uint),
        ("text_position", c_int),
        ("length", c_int),
        ("audio_position", c_int),
        ("sample", c_int),
        ("user_data", c_void_p),
        ("id", _EventId),
    )


_Callback = CFUNCTYPE(c_int, POINTER(c_short), c_int, POINTER(_Event))


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """pcm: (T,) float32 at `rate` Hz; phonemes: (first sample, IPA); words: (first sample, text
    position from 0 in characters)."""

    rate: int
    pcm: NDArray[np.float32]
    phonemes: tuple[tuple[int, str], ...]
    words: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Manner:
    """espeak-ng's parameters. rate: words a minute, 80-450; pitch, range: 0-100, 50 is normal."""

    rate: int
    pitch: int
    range: int


def installed() -> bool:
    """Whether the espeakng-loader wheel is here (nothing is loaded)."""
    return importlib.util.find_spec("espeakng_loader") is not None


@contextmanager
def _opened() -> Iterator[tuple[ctypes.CDLL, int]]:
    """A freshly loaded library and its sample rate.

    It is unloaded afterwards: its pitch flutter goes on from clause to clause in a static
    variable, and only a fresh start (about 8 ms) makes the same text give the same samples.
    Known cost: libespeak-ng 1.52 forgets to free the second dictionary (180 kB) when a clause
    mixes two languages; clauses in one language leak nothing.
    """
    if not installed():
        raise ProviderError("The voice engine espeak-ng is not installed.", _REMEDY)
    import espeakng_loader

    data = Path(espeakng_loader.get_data_path())
    try:
        library = ctypes.CDLL(espeakng_loader.get_library_path())
    except OSError as error:
        raise ProviderError(f"espeak-ng does not load ({error}).", _REMEDY) from error
    try:
        # Without its data path the library looks in /usr/share and then stays silent.
        options = _PHONEME_EVENTS | _PHONEME_IPA | _DONT_EXIT
        rate = int(library.espeak_Initialize(_SYNCHRONOUS, 0, str(data).encode(), options))
        if rate <= 0:
            raise ProviderError(f"espeak-ng cannot read its data in {data}.", _REMEDY)
        _type_functions(library)
        try:
            yield library, rate
        finally:
            library.espeak_Terminate()
    finally:
        _ctypes.dlclose(library._handle)


def _type_functions(library: ctypes.CDLL) -> None:
    library.espeak_SetVoiceByName.argtypes = [c_char_p]
    library.espeak_SetParameter.argtypes = [c_int, c_int, c_int]
    library.espeak_ng_SetRandSeed.argtypes = [c_long]
    library.espeak_SetSynthCallback.argtypes = [_Callback]
    library.espeak_SetSynthCallback.restype = None
    library.espeak_Synth.argtypes = [
        c_char_p, ctypes.c_size_t, c_uint, c_int, c_uint, c_uint, c_void_p, c_void_p,
    ]  # fmt: skip


def record(text: str, voice: str, manner: Manner, stop: threading.Event) -> Recording:
    """Speak the text into memory; `stop` ends it early.

    Raises ProviderError when the library or the voice is missing or the synthesis fails.
    """
    listener = _Listener(stop)
    callback = _Callback(listener)
    data = text.encode()
    with _LOCK, _opened() as (library, rate):
        if library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ProviderError(f"espeak-ng has no voice {voice!r}.", _REMEDY)
        for parameter, value in enumerate((manner.rate, 100, manner.pitch, manner.range), start=1):
            library.espeak_SetParameter(parameter, value, 0)
        library.espeak_ng_SetRandSeed(_SEED)
        library.espeak_SetSynthCallback(callback)
        status = library.espeak_Synth(data, len(data) + 1, 0, 1, 0, _UTF8, None, None)
    if status != 0 and not stop.is_set():
        raise ProviderError(f"espeak-ng failed with status {status}.", "Try another voice.")
    return listener.recording(rate)


class _Listener:
    """Collects what the library calls back with."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._pieces: list[NDArray[np.int16]] = []
        self._phonemes: list[tuple[int, str]] = []
        self._words: list[tuple[int, int]] = []

    def __call__(self, wave, samples, events) -> int:  # type: ignore[no-untyped-def]
        if wave and samples > 0:
            self._pieces.append(np.ctypeslib.as_array(wave, (samples,)).copy())
        index = 0
        while events[index].type:
            self._note(events[index])
            index += 1
        return int(self._stop.is_set())

    def _note(self, event: _Event) -> None:
        if event.type == _PHONEME:
            # Eight bytes may cut a letter in two; the rest still tells the sound.
            name = bytes(event.id.string).decode(errors="ignore")
            self._phonemes.append((event.sample, name))
        elif event.type == _WORD:
            self._words.append((event.sample, event.text_position - 1))

    def recording(self, rate: int) -> Recording:
        pieces = self._pieces or [np.zeros(0, np.int16)]
        pcm = np.concatenate(pieces).astype(np.float32) / np.float32(32768)
        return Recording(rate, pcm, tuple(self._phonemes), tuple(self._words))
