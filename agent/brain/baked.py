"""Bakes the embeddings of the brain's book: `python -m agent.brain.baked`."""

from agent.brain.book import Book
from emotion.baked import write_baked
from emotion.embedding import MiniLM


def bake_book() -> None:
    """Compute and store what `Book.warm` reads."""
    book = Book()
    write_baked(book.baked_path, book.asks, MiniLM().encode(book.asks))


if __name__ == "__main__":
    bake_book()
