"""What a demo accepts: sizes and numbers of photographs, and of requests."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The limits of a demo.

    Attributes:
        bytes: Of a photograph's file.
        pixels: Of a photograph; its decoded pixels and their copies take about 10 bytes each while it is worked on.
        uploads: Files that were sent and that no page has asked about yet.
        waiting: Requests that wait for the one being worked on.
        pages: Pages whose photographs and results are kept; those of the oldest go first.
    """

    bytes: int = 50 * 2**20
    pixels: int = 64_000_000
    uploads: int = 8
    waiting: int = 4
    pages: int = 8
