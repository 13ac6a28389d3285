"""Runs a program in a process whose sockets are recorded: those of Python by its audit events, all others by the system."""

import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

from tests.runs import PROJECT

# imported by Python when it starts, before any code of the program
_RECORDER = """
import json, os, sys

_EVENTS = ("socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname")

def _record(event, arguments):
    if event in _EVENTS:
        address = arguments[0] if "host" in event or "addrinfo" in event else arguments[1]
        host = address[0] if isinstance(address, tuple) else address
        host = host.decode() if isinstance(host, bytes) else host
    elif event == "subprocess.Popen":
        host = f"program {arguments[0]}"
    else:
        return
    line = json.dumps([event, host]) + "\\n"
    os.write(_file, line.encode())

_file = os.open(os.environ["SOCKET_RECORD"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
sys.addaudithook(_record)
"""
_THIS_MACHINE = ("127.0.0.1", "::1", "localhost", None)
_LOCAL_PROGRAMS = {"program fc-list"}  # by which matplotlib lists the machine's fonts, once


class WatchedProgram:
    """A program, from its first line of output to its end.

    Args:
        arguments: Of Python.
        folder: For what it leaves.
        variables: Of its environment, besides this process's.
    """

    def __init__(self, arguments: list[str], folder: Path, **variables: str) -> None:
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(_RECORDER)
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self._record = folder / "sockets.jsonl"
        self.errors = folder / "errors.txt"
        own = {
            "PYTHONPATH": os.pathsep.join([str(folder), str(PROJECT)]),
            "SOCKET_RECORD": str(self._record),
            "TMPDIR": str(self.temporary),
        }
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=folder,
                env=os.environ | own | variables,
                stdin=subprocess.PIPE,  # which ends with this process
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                # a background job of a shell ignores Ctrl-C, and its children do
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )
        self._seen: set[str] = set()
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()
        self.first_line = self.process.stdout.readline()
        found = re.search(r"http://\S+", self.first_line)
        assert found, self.first_line + self.errors.read_text()
        self.address = found.group().rstrip("/")
        self.port = int(self.address.rpartition(":")[2])

    def end(self, number: int = signal.SIGINT) -> str:
        """Ends it by a signal, and returns what it has printed after its first line."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=60)
        self._watcher.join()
        return rest

    def strangers(self) -> set[str]:
        """What it has asked for beyond this machine, and the programs that it has started."""
        events = [json.loads(line) for line in self._record.read_text().splitlines()]
        hosts = {host for _, host in events if not (isinstance(host, str) and host.startswith("/"))}
        assert hosts & {*_THIS_MACHINE[:3]}  # else nothing was recorded
        return {str(host) for host in hosts - {*_THIS_MACHINE, *_LOCAL_PROGRAMS}} | self._seen

    def _watch(self) -> None:
        """Notes addresses of sockets of the process that are not of the loopback interface."""
        while self.process.poll() is None:
            try:
                links = [os.readlink(path) for path in Path(f"/proc/{self.process.pid}/fd").iterdir()]
            except OSError:  # a file was closed, or the process has ended
                continue
            inodes = {link[8:-1] for link in links if link.startswith("socket:[")}
            for table in ("tcp", "udp", "tcp6", "udp6"):
                for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                    _, local, remote, *rest = line.split()
                    if rest[6] in inodes:
                        self._seen |= {f"{table} {text}" for text in (local, remote) if not _is_loopback(text, local)}
            threading.Event().wait(0.1)


def _is_loopback(text: str, local: str) -> bool:
    """Whether an address of the system's tables is this machine's; sockets that listen have no remote one."""
    number = text.partition(":")[0]
    if len(number) > 8:
        words = struct.unpack("<4I", b"".join(struct.pack(">I", int(number[i : i + 8], 16)) for i in range(0, 32, 8)))
        return words[:3] == (0, 0, 0)
    host = socket.inet_ntoa(struct.pack("<I", int(number, 16)))
    return host.startswith("127.") or (text is not local and host == "0.0.0.0")
