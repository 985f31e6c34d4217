"""`python -m avatar.training.synthetic`: make a set of shards (see `limner synthesize`)."""

from avatar.training.synthetic.command import main

if __name__ == "__main__":
    raise SystemExit(main())
