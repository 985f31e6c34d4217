"""The child's side of a worker: builds one object and runs requests on it.

One compute thread (the main one) runs the requests; a reader thread takes in messages, so that a
cancel reaches a running request at once. Objects may set two attributes:

- `interleave = True`: several generators take turns item by item (sessions sharing a renderer);
  otherwise requests run strictly one after the other (a voice engine with one state).
- `ahead = n`: how many items a generator may be ahead of its consumer (default 4).

The module imports nothing heavy: a restarted worker is up as soon as its object is built.
"""

import contextlib
import importlib
import os
import signal
import socket
import sys
import threading
import traceback
from collections import deque
from collections.abc import Iterator
from typing import Any

from emotion.errors import LimnerError
from pipeline.framing import Decoder, Kind, Message, pack

AHEAD = 4
_END = object()


def load(factory: str) -> Any:
    """The callable named "module:name". Raises ImportError or AttributeError."""
    module, _, name = factory.partition(":")
    return getattr(importlib.import_module(module), name)


class _Task:
    """One request: a plain call, or a generator with `credits` items left to send."""

    def __init__(self, message: Message, credits: int) -> None:
        self.message = message
        self.id = message.request
        self.streams = message.kind is Kind.STREAM
        self.credits = credits
        self.items: Iterator[Any] | None = None
        self.cancelled = False

    def runnable(self) -> bool:
        return not self.streams or self.credits > 0 or self.cancelled


class Host:
    """Runs the requests that arrive on `sock` on `target`, until told to close."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._target: Any = None
        self._tasks: deque[_Task] = deque()  # in order of arrival
        self._running: _Task | None = None
        self._closing = False
        self._changed = threading.Condition()

    def run(self) -> None:
        """Build the object, then work until the parent closes or dies."""
        messages = self._receive()
        boot = next(messages)
        try:
            factory, kwargs = boot.payload()
            self._target = load(factory)(**kwargs)
        except Exception as error:  # the process border: everything is told to the parent
            return self._fail(boot.request, error)
        self._send(Kind.READY, boot.request, os.getpid())
        threading.Thread(target=self._listen, args=(messages,), daemon=True).start()
        while (task := self._next()) is not None:
            self._step(task)
        close = getattr(self._target, "close", None)
        if close is not None:
            close()

    # Reader thread

    def _receive(self) -> Iterator[Message]:
        decoder = Decoder()
        while True:
            try:
                count = self._sock.recv_into(decoder.want)
            except ConnectionResetError:
                count = 0
            if count == 0:
                os._exit(0)  # the parent is gone: nobody waits for us, whatever runs now
            message = decoder.fed(count)
            if message is not None:
                yield message

    def _listen(self, messages: Iterator[Message]) -> None:
        ahead = getattr(self._target, "ahead", AHEAD)
        for message in messages:
            with self._changed:
                self._take(message, ahead)
                self._changed.notify()

    def _take(self, message: Message, ahead: int) -> None:
        if message.kind in (Kind.CALL, Kind.STREAM):
            self._tasks.append(_Task(message, ahead))
        elif message.kind is Kind.CLOSE:
            self._closing = True
            self._cancel_running()
        else:
            for task in self._tasks:
                if task.id == message.request:
                    self._adjust(task, message.kind)

    def _adjust(self, task: _Task, kind: Kind) -> None:
        if kind is Kind.CREDIT:
            task.credits += 1
        else:
            task.cancelled = True
            if task is self._running:
                self._cancel_running()

    def _cancel_running(self) -> None:
        # Under the lock: the running request cannot change while it is being cancelled.
        cancel = getattr(self._target, "cancel", None)
        if self._running is not None and cancel is not None:
            try:
                cancel()
            except Exception:  # a broken cancel must not end the reader thread
                traceback.print_exc()

    # Compute thread

    def _next(self) -> _Task | None:
        """Wait for the next request that can go on; None when closing."""
        with self._changed:
            while not self._closing:
                task = self._pick()
                if task is not None:
                    self._running = task
                    return task
                self._changed.wait()
        return None

    def _pick(self) -> _Task | None:
        if getattr(self._target, "interleave", False):
            return next((task for task in self._tasks if task.runnable()), None)
        return self._tasks[0] if self._tasks and self._tasks[0].runnable() else None

    def _step(self, task: _Task) -> None:
        """Run a call, or a generator up to its next item."""
        done = True
        try:
            done = self._advance(task)
        except Exception as error:  # the process border
            self._fail(task.id, error)
        finally:
            with self._changed:
                self._running = None
                self._tasks.remove(task)
                if not done:  # behind the others where requests take turns, else first again
                    turns = getattr(self._target, "interleave", False)
                    (self._tasks.append if turns else self._tasks.appendleft)(task)

    def _advance(self, task: _Task) -> bool:
        """True when the request is finished."""
        if task.cancelled:
            close = getattr(task.items, "close", None)
            if close is not None:
                close()
            return True
        if not task.streams:
            self._send(Kind.RESULT, task.id, (self._invoke(task),))
            return True
        if task.items is None:
            task.items = iter(self._invoke(task))
        item = next(task.items, _END)
        if item is _END:
            self._send(Kind.END, task.id)
            return True
        if not task.cancelled:
            with self._changed:
                task.credits -= 1
            self._send(Kind.ITEM, task.id, (item,))
        return False

    def _invoke(self, task: _Task) -> Any:
        method, args, kwargs = task.message.payload()
        if method.startswith("_"):
            raise AttributeError(f"{method!r} is private")
        return getattr(self._target, method)(*args, **kwargs)

    def _send(self, kind: Kind, request: int, payload: Any = None) -> None:
        try:
            for part in pack(kind, request, payload):
                self._sock.sendall(part)
        except (BrokenPipeError, ConnectionResetError):
            os._exit(0)

    def _fail(self, request: int, error: Exception) -> None:
        trace = "".join(traceback.format_exception(error))
        known = error if isinstance(error, LimnerError) else None
        try:
            self._send(Kind.ERROR, request, (known, repr(error), trace))
        except Exception:  # an error that cannot be pickled travels as text
            self._send(Kind.ERROR, request, (None, repr(error), trace))


def main() -> None:
    """Entry of the child: the number of the inherited socket, then what to make ready at once:
    modules to import, or "module:function" to call (which keeps what it made)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    fd = int(sys.argv[1])
    os.set_inheritable(fd, False)
    sock = socket.socket(fileno=fd)
    with contextlib.closing(sock):
        for name in sys.argv[2:]:
            # What is wrong with a module is told when the object is built.
            with contextlib.suppress(Exception):
                load(name)() if ":" in name else importlib.import_module(name)
        Host(sock).run()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # native libraries may hang in their exit handlers


if __name__ == "__main__":
    main()
