"""The talking portrait: motion from speech and feeling, frames from motion."""
