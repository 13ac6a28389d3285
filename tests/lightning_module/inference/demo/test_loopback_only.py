"""What a process with closed sockets may reach."""

import subprocess
import sys

import pytest

from lightning_module.inference.demo.loopback_only import is_loopback
from tests.runs import PROJECT

_START = "import socket\nfrom lightning_module.inference.demo.loopback_only import loopback_only\n"


def _run(code):
    done = subprocess.run(
        [sys.executable, "-c", _START + code], cwd=PROJECT, capture_output=True, text=True, timeout=60
    )
    return done.stdout.strip() or done.stderr.strip().rpartition("\n")[2]


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('192.0.2.1', 80), 1)",
        "socket.getaddrinfo('weightmask.invalid', 80)",
        "socket.gethostbyname('weightmask.invalid')",
        "socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('192.0.2.1', 53))",
        "socket.socket().bind(('0.0.0.0', 0))",
        "socket.socket().bind(('', 0))",
        "socket.socket(socket.AF_INET6).bind(('::', 0))",
    ],
)
def test_other_machines_are_not_reached_and_do_not_reach_it(attempt):
    assert "PermissionError: the demo does not reach other machines" in _run(f"with loopback_only(): {attempt}")


def test_this_machine_is_reached_and_all_is_open_afterwards():
    code = """
with loopback_only(), socket.socket() as listener:
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    socket.create_connection(listener.getsockname()).close()
    socket.getaddrinfo("localhost", None)
socket.socket().bind(("0.0.0.0", 0))
print("open")
"""
    assert _run(code) == "open"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("", False),
        ("127.0.0.1.example.org", False),
        ("localhost.example.org", False),
        ("10.0.0.1", False),
        ("fe80::1%eth0", False),
    ],
)
def test_loopback_is_told_from_names_that_look_like_it(host, expected):
    assert is_loopback(host) == expected
