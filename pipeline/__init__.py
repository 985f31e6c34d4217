"""The live session: one turn from user to frames and sound, on one media clock."""
