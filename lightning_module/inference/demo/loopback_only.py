"""Keeps a process from reaching, or being reached from, other machines.

The libraries of the demo send statistics, look for newer versions, and fetch addresses that a request names. Each of
these is turned off; this is the wall behind it, which also holds for what a later version of them does.
"""

import ipaddress
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# audit events of Python's socket module, and the place of the address or the name of the host among their arguments
_ADDRESSES = {"socket.connect": 1, "socket.bind": 1, "socket.sendto": 1, "socket.sendmsg": 1}
_HOSTS = {"socket.getaddrinfo": 0, "socket.gethostbyname": 0, "socket.gethostbyaddr": 0}


@contextmanager
def loopback_only() -> Iterator[None]:
    """While this lasts, Python's sockets reach and listen on the loopback interface only.

    Raises:
        PermissionError: In the code that tries to reach another machine.
    """
    is_closed = True

    def check(event: str, arguments: tuple[Any, ...]) -> None:
        if is_closed and (host := _host(event, arguments)) is not None and not is_loopback(host):
            raise PermissionError(f"the demo does not reach other machines ({host})")

    sys.addaudithook(check)  # there is no way to remove one
    try:
        yield
    finally:
        is_closed = False


def is_loopback(host: str) -> bool:
    """Whether the name or address of a host is one of this machine's loopback interface."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


def _host(event: str, arguments: tuple[Any, ...]) -> str | None:
    """The host of an event; None if it is about none, such as a socket of the file system."""
    if event in _HOSTS:
        host = arguments[_HOSTS[event]]
        return host.decode(errors="replace") if isinstance(host, bytes) else host
    if event in _ADDRESSES and isinstance(address := arguments[_ADDRESSES[event]], tuple):
        return str(address[0])
    return None
