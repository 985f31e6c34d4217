"""Training of the net that completes the inside of the mouth."""
