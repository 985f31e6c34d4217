"""What the commands of `limner` do; each module is imported by its commands only."""
