"""Saying a reply again."""

from agent.types import ReplyChunk
from pipeline.session import Session
from pipeline.transcript import ChatEntry


async def replay(session: Session, turn: int) -> None:
    """Speak the reply of a turn again, as it was felt; unknown turns are ignored."""
    entries = [e for e in session.transcript if e.id == turn and e.role == "assistant" and e.text]
    for entry in entries:
        await session.stop()
        clause = ReplyChunk(turn, 0, entry.text, entry.emotion_text, True)
        emotion = entry.emotion or await session.feel(clause)
        again = ChatEntry(turn, "assistant", "")
        session.begin(session.until_heard(session.say(clause, again, emotion)))
