"""Voices and ears: text to speech, speech to text, voice activity, turn taking."""
