"""The dialogue agent: user turns in, speakable clauses with emotion text out."""
