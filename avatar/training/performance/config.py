"""Settings of the performances."""

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """Everything that decides the takes beside their sources; written beside them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 5
    seconds: tuple[float, float] = (42.0, 74.0)  # of one take; the last turn may overrun
    held_sentences: int = Field(default=16, gt=1)  # one of so many is held out
    held_speakers: float = 0.25
    neutral_takes: float = 0.15  # share of takes without any feeling
    neutral_clauses: float = 0.15  # share within the other takes
    compounds: float = 0.34  # share of the clauses with feeling that mix two
    free_mixtures: float = 0.08  # share that mix two or three at random strengths
    fitting: float = 0.7  # share of clauses whose words carry the feeling that is shown
    quick_changes: float = 1 / 6  # share of the clauses with feeling that change it midway
    micro: float = 0.12  # chance of a micro-expression in a clause or a pause
    foreign: float = 0.07  # share of takes with a voice of another language
    listening: float = 0.75  # chance that a turn is preceded by listening
    idle: float = 0.45  # chance that idling follows a turn
    thinking: float = 0.7  # chance of thinking before an answer
