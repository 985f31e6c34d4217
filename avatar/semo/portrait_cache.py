"""Portraits that are fitted already, so that opening one again costs nothing.

Somebody's own picture must be gone when their session is: it is found again only as long as a
stream still shows it. The gallery's invented people may stay.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from weakref import WeakValueDictionary

import numpy as np

from avatar.semo.appearance import appearance_of
from avatar.semo.fit import fit_portrait
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Appearance, Bytes, FittedPortrait, Floats
from avatar.types import Portrait

LIMIT = 8  # portraits kept without a stream; one of 1024 pixels takes about 15 MB


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class OpenPortrait:
    """What fitting and measuring a portrait gave."""

    fitted: FittedPortrait
    appearance: Appearance


class PortraitCache:
    """Fits portraits with one surface, each of them once. Safe to share between threads."""

    def __init__(
        self,
        surface: FaceSurface,
        matte: Callable[[Bytes], Floats] | None = None,
        limit: int = LIMIT,
    ) -> None:
        """matte: (S, S, 3) pixels to the (S, S) share of the person; None: guessed by the fit."""
        self._surface, self._matte, self._limit = surface, matte, limit
        self._shown: WeakValueDictionary[str, OpenPortrait] = WeakValueDictionary()
        self._kept: OrderedDict[str, OpenPortrait] = OrderedDict()
        self._lock = Lock()

    def open(self, portrait: Portrait, keep: bool = False) -> OpenPortrait:
        """The fitted portrait; keep: remember it when nobody shows it any more, among the last
        `limit`. Raises PortraitError as `fit_portrait`."""
        key = _key(portrait)
        with self._lock:
            found = self._shown.get(key)
        if found is None:
            found = self._fit(portrait)
        with self._lock:
            found = self._shown.setdefault(key, found)
            if keep:
                self._kept[key] = found
                self._kept.move_to_end(key)
                while len(self._kept) > self._limit:
                    self._kept.popitem(last=False)
        return found

    def _fit(self, portrait: Portrait) -> OpenPortrait:
        matte = None if self._matte is None else self._matte(portrait.rgb)
        fitted = fit_portrait(portrait, self._surface, matte)
        return OpenPortrait(fitted, appearance_of(fitted, self._surface))


def _key(portrait: Portrait) -> str:
    """Of everything that fitting looks at."""
    digest = hashlib.blake2b(str(portrait.rgb.shape).encode(), digest_size=20)
    digest.update(portrait.rgb.tobytes())
    digest.update(np.asarray(portrait.landmarks.points, np.float32).tobytes())
    return digest.hexdigest()
