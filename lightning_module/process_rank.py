"""The rank of this process in distributed training."""

from lightning_utilities.core.rank_zero import rank_zero_only


def rank() -> int:
    """The rank; 0 for the first or only process."""
    return getattr(rank_zero_only, "rank", None) or 0
