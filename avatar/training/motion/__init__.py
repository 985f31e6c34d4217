"""Training of the motion encoder."""
