"""Shared memory for pictures on their way from a renderer's process to the server's.

The memory is anonymous (a memfd that the child inherits): it has no name that could leak, is not
bound by the size of /dev/shm in a container, and is gone when the last process is.

Axis legend: H W pixels, three channels.
"""

import mmap
import os
import tempfile

import numpy as np
from numpy.typing import NDArray

from emotion.errors import OverloadedError

SLOTS = 4  # frames of one stream between renderer and session


def _slot_bytes(size_max: int) -> int:
    return -(-size_max * size_max * 3 // mmap.PAGESIZE) * mmap.PAGESIZE


class FrameMemory:
    """The slots, as both processes see them; fd: the shared memory, slots of `size_max` pixels."""

    def __init__(self, fd: int, size_max: int) -> None:
        self._slot = _slot_bytes(size_max)
        self.map = mmap.mmap(fd, 0)

    def write(self, slot: int, rgb: NDArray[np.uint8]) -> None:
        """Store rgb: (H, W, 3) uint8, H and W <= size_max."""
        view = np.frombuffer(self.map, np.uint8, rgb.size, slot * self._slot)
        view.reshape(rgb.shape)[...] = rgb

    def read(self, slot: int, out: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Copy the picture in a slot into `out` (H, W, 3) uint8 and return that."""
        flat = np.frombuffer(self.map, np.uint8, out.size, slot * self._slot)
        out[...] = flat.reshape(out.shape)
        return out

    def discard(self, first: int, count: int) -> None:
        """Give the memory of some slots back to the system; they can be used again."""
        if hasattr(mmap, "MADV_REMOVE"):
            self.map.madvise(mmap.MADV_REMOVE, first * self._slot, count * self._slot)


class FrameRing:
    """The parent's side: owns the memory, lends each stream a region of `SLOTS` slots."""

    def __init__(self, size_max: int, streams: int) -> None:
        self.size_max = size_max
        self.fd = _anonymous_file()
        os.truncate(self.fd, _slot_bytes(size_max) * SLOTS * streams)  # pages come when touched
        self.memory = FrameMemory(self.fd, size_max)
        self._free = list(range(streams))

    def claim(self) -> int:
        """The number of a free region. Raises OverloadedError when all are taken."""
        if not self._free:
            raise OverloadedError("All places for live portraits are taken.", "Try again later.")
        return self._free.pop(0)

    def release(self, region: int) -> None:
        """Free a region and its memory."""
        if self.fd < 0:
            return
        self.memory.discard(region * SLOTS, SLOTS)
        self._free.append(region)
        self._free.sort()

    def close(self) -> None:
        """Free everything; safe to call again."""
        if self.fd >= 0:
            self.memory.map.close()
            os.close(self.fd)
            self.fd = -1


def _anonymous_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("limner-frames")
    with tempfile.TemporaryFile() as file:  # already without a name
        return os.dup(file.fileno())
