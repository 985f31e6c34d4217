"""Performances to learn motion from: speech with exact phones, and all that a face does with it."""
