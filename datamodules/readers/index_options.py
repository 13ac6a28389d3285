"""Options of the index of a data set."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from datamodules.errors import InputError
from datamodules.files.cache_home import default_cache

Verification = Literal["header", "full"]


@dataclass(frozen=True)
class IndexOptions:
    """How data sets are checked and where their indices are cached.

    Args:
        verify: What is checked when an index is built: "full" decodes every image, "header" reads their sizes only.
        max_bad_fraction: Largest fraction of unusable samples; with more of them, the command stops.
        keeps_decoded: Whether the decoded images are kept in the cache, width x height x 3 bytes each, so that they are
            decoded once; by default only those of synthetic faces that take at most a gigabyte.
        cache_dir: Folder of indices and synthetic faces; by default ~/.cache/weightmask.
    """

    verify: Verification = "header"
    max_bad_fraction: float = 0.01
    keeps_decoded: bool | None = None
    cache_dir: Path | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.max_bad_fraction <= 1:
            raise InputError(f"index.max_bad_fraction is {self.max_bad_fraction:g}: give a number from 0 to 1.")

    def keeping_decoded(self, by_default: bool) -> "IndexOptions":
        """These options, with the default of `keeps_decoded` for the data at hand."""
        return replace(self, keeps_decoded=by_default) if self.keeps_decoded is None else self

    @property
    def cache(self) -> Path:
        """The folder of indices and synthetic faces."""
        return self.cache_dir or default_cache()
