"""Training of the face-landmark nets (torch); not imported at run time."""
