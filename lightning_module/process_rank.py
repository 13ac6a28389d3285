"""The rank of this process among those that train together."""

from lightning_utilities.core.rank_zero import rank_zero_only


def rank() -> int:
    """0 for the first process, or the only one."""
    return getattr(rank_zero_only, "rank", None) or 0
