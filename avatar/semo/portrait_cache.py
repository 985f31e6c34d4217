"""Portraits that were fitted before, so that reopening one costs nothing."""

import hashlib
from collections import OrderedDict
from threading import Lock

import numpy as np

from avatar.semo.appearance import appearance_of
from avatar.semo.fit import fit_portrait
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Appearance, FittedPortrait, Floats
from avatar.types import Portrait

LIMIT = 8  # portraits; one of 1024 pixels takes about 15 MB

Opened = tuple[FittedPortrait, Appearance]


class PortraitCache:
    """Fits portraits with one surface and remembers the last `limit` of them by their content.

    Safe to share between threads; lives in memory only.
    """

    def __init__(self, surface: FaceSurface, limit: int = LIMIT) -> None:
        self._surface, self._limit = surface, limit
        self._known: OrderedDict[str, Opened] = OrderedDict()
        self._lock = Lock()

    def open(self, portrait: Portrait, matte: Floats | None = None) -> Opened:
        """The fitted portrait and its appearance; arguments and errors as `fit_portrait`."""
        key = _key(portrait, matte)
        with self._lock:
            found = self._known.get(key)
            if found is not None:
                self._known.move_to_end(key)
                return found
        fitted = fit_portrait(portrait, self._surface, matte)
        opened = fitted, appearance_of(fitted, self._surface)
        with self._lock:
            self._known[key] = opened
            while len(self._known) > self._limit:
                self._known.popitem(last=False)
        return opened

    def forget(self) -> None:
        """Drop everything that is remembered."""
        with self._lock:
            self._known.clear()


def _key(portrait: Portrait, matte: Floats | None) -> str:
    """Of everything that fitting looks at."""
    digest = hashlib.blake2b(str(portrait.rgb.shape).encode(), digest_size=20)
    digest.update(portrait.rgb.tobytes())
    digest.update(np.asarray(portrait.landmarks.points, np.float32).tobytes())
    if matte is not None:
        digest.update(np.asarray(matte, np.float32).tobytes())
    return digest.hexdigest()
