"""Small shards of gallery faces, re-posed by the product's own decoder, for tests."""

from dataclasses import replace

from avatar.portraits import GALLERY, gallery
from avatar.training.synthetic.config import Config
from avatar.training.synthetic.photos import open_studio, photo_shard
from avatar.training.synthetic.shards import Shard, save_shard

FRAMES, SIZE = 6, 256


def gallery_shard(at: int = 0, frames: int = FRAMES, size: int = SIZE) -> Shard:
    """The shard of a gallery portrait that plays a random performance."""
    picture = GALLERY / f"{gallery()[at].name}.webp"
    config = Config(seed=3 + at, frames=frames, size=size, stride=8)
    return photo_shard(picture, "held_out", config, open_studio())


def stored(folder, shard: Shard, who: str, split: str = "held_out"):
    """Written under a name that `shard_paths` finds; the path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"photo_{who}_{split}.npz"
    save_shard(replace(shard, info=shard.info | {"split": split}), path)
    return path
