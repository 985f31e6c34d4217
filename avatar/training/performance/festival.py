"""Festival as a voice engine for training: Debian's command, one process, segment times exact."""

import subprocess
import tempfile
import threading
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import which

import numpy as np
from numpy.typing import NDArray

from emotion.errors import ProviderError
from speech.arpabet import PHONES
from speech.engine import SpokenPiece, Timeline
from speech.flite import latin_words
from speech.prosody import Prosody
from speech.types import PhoneSpan, Voice

_COMMANDS = {"slt": "voice_cmu_us_slt_arctic_hts", "kal": "voice_kal_diphone"}
_SEXES = {"slt": "female", "kal": "male"}
_KAL_MEAN, _KAL_SPREAD = 105.0, 14.0  # Hz
_DONE = "spoken"
_SETUP = """
(define (limner_segments utt file)
  (let ((fd (fopen file "w")))
    (mapcar (lambda (s) (format fd "%s %f\\n" (item.name s) (item.feat s "segment_end")))
            (utt.relation.items utt 'Segment))
    (fclose fd)))
"""
_REMEDY = "Install it: apt-get install festival festvox-us-slt-hts festvox-kallpc16k"


class Festival:
    """The festival engine; see `speech.engine.VoiceEngine`. Close it when done."""

    name = "festival"

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def available(self) -> bool:
        """Whether the command is on this machine."""
        return which("festival") is not None

    def voices(self) -> Sequence[Voice]:
        """The two English voices that Debian has as free packages."""
        if not self.available():
            return ()
        about = "festival, for training only"
        return tuple(
            Voice(f"{self.name}/{name}", name, "en-US", _SEXES[name], about) for name in _COMMANDS
        )

    def speak(
        self, text: str, voice: str, prosody: Prosody, stop: threading.Event
    ) -> Iterator[SpokenPiece]:
        """One piece with the whole utterance. Raises ProviderError when festival ends or fails."""
        sentence = " ".join(word.spoken for word in latin_words(text))
        if not sentence or stop.is_set():
            return
        wav, segments = self._files()
        self._say(_script(sentence, voice, prosody, wav, segments))
        pcm, rate = _read(wav)
        rate = round(rate * _faster(voice, prosody))
        phones = tuple(_phones(segments.read_text(), rate, len(pcm)))
        if pcm.size and any(phone.symbol != "pau" for phone in phones):
            yield SpokenPiece(Timeline(rate, len(pcm), phones, ()), pcm)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.communicate("(exit)\n", timeout=10)
            self._process = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _files(self) -> tuple[Path, Path]:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="limner-festival-")
        folder = Path(self._folder.name)
        return folder / "speech.wav", folder / "segments.txt"

    def _say(self, script: str) -> None:
        process = self._started()
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(script)
        process.stdin.flush()
        for line in process.stdout:
            if line.strip() == _DONE:
                return
        self._process = None
        raise ProviderError("festival ended while it spoke a sentence.", _REMEDY)

    def _started(self) -> "subprocess.Popen[str]":
        if self._process is None:
            command = which("festival")
            if command is None:
                raise ProviderError("The voice engine festival is not installed.", _REMEDY)
            self._process = subprocess.Popen(
                [command, "--pipe"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, text=True,
            )  # fmt: skip
            assert self._process.stdin is not None
            self._process.stdin.write(_SETUP)
        return self._process


def _script(sentence: str, voice: str, prosody: Prosody, wav: Path, segments: Path) -> str:
    quoted = sentence.replace("\\", "").replace('"', "")
    return "\n".join((
        f"({_COMMANDS[voice]})",
        _manner(voice, prosody),
        f'(set! utt (utt.synth (eval (list \'Utterance \'Text "{quoted}"))))',
        f'(utt.save.wave utt "{wav}" \'riff)',
        f'(limner_segments utt "{segments}")',
        f'(format t "\\n{_DONE}\\n")',
        "(fflush nil)\n",
    ))  # fmt: skip


def _manner(voice: str, prosody: Prosody) -> str:
    """The scheme that sets rate, pitch and range."""
    stretch = 1 / prosody.rate
    if voice == "kal":
        mean, spread = _KAL_MEAN * prosody.pitch, _KAL_SPREAD * prosody.pitch * prosody.range
        return (
            f"(Parameter.set 'Duration_Stretch {stretch:.3f})\n"
            f"(set! int_lr_params '((target_f0_mean {mean:.1f}) (target_f0_std {spread:.1f})"
            " (model_f0_mean 170) (model_f0_std 34)))"
        )
    rate = prosody.rate / _faster(voice, prosody)
    return f'(set! hts_engine_params (append hts_engine_params (list (list "-r" {rate:.3f}))))'


def _faster(voice: str, prosody: Prosody) -> float:
    """By how much the tape runs faster: the HTS voice knows no pitch of its own. Formants move
    with it, hence not all the way."""
    return 1.0 if voice == "kal" else float(prosody.pitch**0.7)


def _read(path: Path) -> tuple[NDArray[np.float32], int]:
    with wave.open(str(path)) as file:
        raw = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        return raw.astype(np.float32) / np.float32(32768), file.getframerate()


def _phones(table: str, rate: int, length: int) -> Iterator[PhoneSpan]:
    start = 0
    for line in table.splitlines():
        name, _, seconds = line.partition(" ")
        end = min(round(float(seconds) * rate), length)
        if end > start:
            yield PhoneSpan(name if name in PHONES else "pau", start, end)
            start = end
