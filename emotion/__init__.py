"""Emotion: the six-emotion state that rules face, voice and chat. Imports nothing else of ours."""
