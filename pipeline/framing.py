"""Messages between the server and its worker processes, over one socket pair.

A message is a header, the sizes of its out-of-band buffers, a pickle (protocol 5) and the buffers
themselves: arrays cross without being copied into the pickle. The pickle travels only between
processes that we started ourselves.
"""

import asyncio
import pickle
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

_HEADER = struct.Struct("<BQIQ")  # kind, request, number of buffers, bytes of the pickle
_SIZE = struct.Struct("<Q")
_JOIN_BELOW = 64 * 1024  # smaller messages leave in one system call
_READ_AT_ONCE = 1024 * 1024  # a large message shares the event loop with everybody else


class Kind(IntEnum):
    """What a message means; the first group goes to the child, the second comes back."""

    BOOT = 1
    CALL = 2
    STREAM = 3
    CREDIT = 4
    CANCEL = 5
    CLOSE = 6

    READY = 16
    RESULT = 17
    ITEM = 18
    END = 19
    ERROR = 20


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it arrived; `body` and `buffers` are still pickled."""

    kind: Kind
    request: int
    body: bytearray
    buffers: tuple[bytearray, ...] = ()

    def payload(self) -> Any:
        """What was sent (None where nothing was). Raises what unpickling raises."""
        return pickle.loads(self.body, buffers=self.buffers) if self.body else None


def pack(kind: Kind, request: int, payload: Any = None) -> list[memoryview]:
    """The pieces of one message, to be sent in order. Raises what pickling raises."""
    out_of_band: list[pickle.PickleBuffer] = []
    body = b"" if payload is None else pickle.dumps(payload, 5, buffer_callback=out_of_band.append)
    raw = [buffer.raw() for buffer in out_of_band]
    sizes = b"".join(_SIZE.pack(part.nbytes) for part in raw)
    head = _HEADER.pack(kind, request, len(raw), len(body)) + sizes
    parts = [memoryview(head), memoryview(body), *raw]
    if sum(part.nbytes for part in parts) < _JOIN_BELOW:
        return [memoryview(b"".join(parts))]
    return [part for part in parts if part.nbytes]


class Decoder:
    """Puts messages together from bytes: fill `want`, then tell `fed` how much came."""

    def __init__(self) -> None:
        self._done: deque[Message] = deque()
        self._steps = self._read()
        self.want = memoryview(next(self._steps))

    def fed(self, count: int) -> Message | None:
        """Account for `count` bytes written into `want`; returns a message once it is whole."""
        self.want = self.want[count:]
        if not self.want:
            self.want = memoryview(next(self._steps))
        return self._done.popleft() if self._done else None

    def _read(self) -> Iterator[bytearray]:
        while True:
            head = bytearray(_HEADER.size)
            yield head
            kind, request, count, size = _HEADER.unpack(head)
            sizes = bytearray(_SIZE.size * count)
            body = bytearray(size)
            yield from filter(None, (sizes, body))
            buffers = tuple(bytearray(n) for (n,) in _SIZE.iter_unpack(sizes))
            yield from filter(None, buffers)  # an empty read would look like the end
            self._done.append(Message(Kind(kind), request, body, buffers))


class Channel:
    """One end of the socket pair on an event loop; neither reading nor writing ever blocks it.

    `on_message` gets every message; `on_lost` is called once when the other end is gone.
    """

    def __init__(
        self,
        sock: socket.socket,
        on_message: Callable[[Message], None],
        on_lost: Callable[[], None],
    ) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._decoder = Decoder()
        self._unsent: deque[memoryview] = deque()
        self._on_message = on_message
        self._on_lost = on_lost
        self.open = True
        self._blocked = False  # waiting until the socket takes more
        self._loop.add_reader(sock.fileno(), self._read)

    def send(self, kind: Kind, request: int, payload: Any = None) -> None:
        """Queue one message. Arrays must stay unchanged until they are sent."""
        parts = pack(kind, request, payload)
        if not self.open:
            return  # the loss is reported by `on_lost`
        waiting = bool(self._unsent)
        self._unsent.extend(parts)
        if not waiting:
            self._write()

    def close(self) -> None:
        """Stop reading and writing; `on_lost` is not called. Safe to call again."""
        if self.open:
            self.open = False
            self._loop.remove_reader(self._sock.fileno())
            self._loop.remove_writer(self._sock.fileno())
            self._sock.close()

    def _lost(self) -> None:
        if self.open:
            self.close()
            self._on_lost()

    def _read(self) -> None:
        budget = _READ_AT_ONCE
        while self.open and budget > 0:
            try:
                count = self._sock.recv_into(self._decoder.want)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                count = 0
            if count == 0:
                return self._lost()
            budget -= count
            message = self._decoder.fed(count)
            if message is not None:
                self._on_message(message)

    def _write(self) -> None:
        try:
            while self._unsent:
                part = self._unsent[0]
                sent = self._sock.send(part)
                if sent < len(part):
                    self._unsent[0] = part[sent:]
                else:
                    self._unsent.popleft()
        except (BlockingIOError, InterruptedError):
            self._loop.add_writer(self._sock.fileno(), self._write)
            self._blocked = True
        except OSError:
            # Reported from the loop, never from inside the caller's `send`.
            self._loop.call_soon(self._lost)
        else:
            if self._blocked:
                self._blocked = False
                self._loop.remove_writer(self._sock.fileno())
