"""Standard output and error that end no command, whatever they are connected to."""

import io
import os
import select
import sys
from typing import Any


class _UnfailingFile(io.RawIOBase):
    """A file descriptor to write to, which drops what its reader or its disk does not take."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        while True:
            try:
                return os.write(self._descriptor, data)
            except BlockingIOError:
                select.select([], [self._descriptor], [])
            except OSError:  # the reader of a pipe is gone, or the disk of a log is full
                return len(memoryview(data).cast("B"))


def make_output_unfailing() -> None:
    """Replaces characters that the encoding of the terminal lacks, and goes on where nothing can be written.

    Otherwise the first table in a locale of ASCII characters, a log on a full disk or a pipe to `head` would end a
    training of hours.
    """
    for name, errors in (("stdout", "replace"), ("stderr", "backslashreplace")):
        stream = getattr(sys, name)
        if not isinstance(stream, io.TextIOWrapper):
            continue
        try:
            descriptor = stream.fileno()
        except OSError:  # a stream in memory
            stream.reconfigure(errors=errors)
            continue
        stream.flush()
        unfailing = io.TextIOWrapper(
            io.BufferedWriter(_UnfailingFile(descriptor)),
            encoding=stream.encoding,
            errors=errors,
            line_buffering=stream.line_buffering,
            write_through=stream.write_through,
        )
        setattr(sys, name, unfailing)
