"""What happens in a take, before anybody speaks: turns, clauses and what is felt in each."""

from dataclasses import dataclass

from avatar.training.performance.config import Settings
from avatar.training.performance.noise import Rng
from avatar.training.performance.texts import Texts
from avatar.training.recipes import COMPOUNDS
from avatar.types import Activity
from emotion.types import EMOTIONS

Strengths = dict[str, float]
HAPPENS = {"idle": (2.0, 11.0), "thinking": (0.6, 4.5), "listening": (2.0, 9.0)}  # s, not speaking
CLAUSES = (0.35, 0.35, 0.2, 0.1)  # chances that a turn has 1, 2, 3, 4 clauses
SAME = 0.6  # chance that a clause keeps the feeling of the one before, at another strength


@dataclass(frozen=True, slots=True)
class Beat:
    """A stretch of the take. seconds: where nobody decides the length by speaking; text: of what
    is said by us (speaking) or heard (listening), "" for nothing; then: what is felt from midway
    on, if that changes; micro: a feeling that flashes up."""

    activity: Activity
    feeling: Strengths
    seconds: float = 0.0
    text: str = ""
    then: Strengths | None = None
    micro: Strengths | None = None


class Playwright:
    """Draws the beats of takes."""

    def __init__(self, settings: Settings, texts: Texts) -> None:
        self._settings = settings
        self._texts = texts

    def beats(self, rng: Rng, *, feels: bool) -> list[Beat]:
        """One turn: perhaps idling, listening, thinking; then speaking. feels: not all neutral."""
        s = self._settings
        out: list[Beat] = []
        mood = self._feeling(rng, feels)
        if rng.random() < s.idle:
            out.append(self._still(rng, Activity.IDLE, mood))
        if rng.random() < s.listening:
            heard = " ".join(self._texts.any(rng).text for _ in range(int(rng.integers(1, 3))))
            attitude = mood if rng.random() < 0.5 else self._feeling(rng, feels)
            micro = self._micro(rng, feels)
            out.append(Beat(Activity.LISTENING, attitude, text=heard, micro=micro))
        if rng.random() < s.thinking:
            out.append(self._still(rng, Activity.THINKING, mood if rng.random() < 0.4 else {}))
        return out + self._turn(rng, feels)

    def _still(self, rng: Rng, activity: Activity, mood: Strengths) -> Beat:
        low, high = HAPPENS[activity.name.lower()]
        seconds = float(low + (high - low) * rng.random() ** 1.5)
        return Beat(activity, mood, seconds, micro=self._micro(rng, bool(mood)))

    def _turn(self, rng: Rng, feels: bool) -> list[Beat]:
        out: list[Beat] = []
        feeling: Strengths = self._feeling(rng, feels)
        for _ in range(1 + int(rng.choice(len(CLAUSES), p=CLAUSES))):
            if out and rng.random() >= SAME:
                feeling = self._feeling(rng, feels)
            elif out:
                gain = float(rng.uniform(0.6, 1.3))
                feeling = {name: min(1.0, value * gain) for name, value in feeling.items()}
            out.append(self._clause(rng, feeling, feels))
        return out

    def _clause(self, rng: Rng, feeling: Strengths, feels: bool) -> Beat:
        fits = rng.random() < self._settings.fitting
        text = self._texts.draw(rng, feeling).text if fits else self._texts.any(rng).text
        then = None
        if feeling and rng.random() < self._settings.quick_changes:
            then = self._feeling(rng, True)
        micro = self._micro(rng, feels)
        return Beat(Activity.SPEAKING, feeling, text=text, then=then, micro=micro)

    def _feeling(self, rng: Rng, feels: bool) -> Strengths:
        s = self._settings
        if not feels or rng.random() < s.neutral_clauses:
            return {}
        strength = float(rng.uniform(0.2, 1.0))
        kind = rng.random()
        if kind < s.free_mixtures:
            count = int(rng.integers(2, 4))
            names = rng.choice(EMOTIONS, count, replace=False)
            return {str(name): float(rng.uniform(0.15, 1.0)) * strength for name in names}
        if kind < s.free_mixtures + s.compounds:
            pair = COMPOUNDS[sorted(COMPOUNDS)[int(rng.integers(len(COMPOUNDS)))]]
            return {name: min(1.0, strength * float(rng.uniform(0.85, 1.15))) for name in pair}
        return {EMOTIONS[int(rng.integers(len(EMOTIONS)))]: strength}

    def _micro(self, rng: Rng, feels: bool) -> Strengths | None:
        if not feels or rng.random() >= self._settings.micro:
            return None
        return {EMOTIONS[int(rng.integers(len(EMOTIONS)))]: float(rng.uniform(0.25, 0.6))}
