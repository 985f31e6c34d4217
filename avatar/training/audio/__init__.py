"""Trains the audio encoder: what a mouth does, heard (`avatar.audio_encoder` serves it)."""
