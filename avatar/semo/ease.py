"""Coming and going without a jump."""

_COME, _GO = 0.3, 0.1  # share of the way in one frame, of each of two low passes
_DONE = 0.004


class Ease:
    """A share in [0, 1] that begins at 0 and follows what is asked of it softly."""

    def __init__(self) -> None:
        self._first = self._second = 0.0

    @property
    def share(self) -> float:
        """Where it is now; exactly 0 when it has gone."""
        return self._second

    def step(self, aim: float) -> float:
        """The share of the next frame, on its way to `aim` in [0, 1]."""
        speed = _COME if aim > self._second else _GO
        self._first += speed * (aim - self._first)
        self._second += speed * (self._first - self._second)
        if aim == 0 and self._first < _DONE and self._second < _DONE:
            self._first = self._second = 0.0
        return self._second
