"""Silences Lightning's warnings about deliberate choices, and its advertisements."""

import logging
import warnings


def quieten() -> None:
    """Installs the filters in this process."""
    for message in (
        ".*does not have many workers.*",
        ".*Total length of `list` across ranks is zero.*",
        ".*Checkpoint directory .* exists.*",
        ".*isinstance.treespec, LeafSpec.*",
        "The dirpath has changed from.*",
        ".*but have no logger configured.*",
        ".*callbacks used to create the checkpoint need to be provided.*",
        ".*recommended to use `self.log.*sync_dist=True.*",
    ):
        warnings.filterwarnings("ignore", message)
    logging.getLogger("pytorch_lightning.trainer.connectors.checkpoint_connector").setLevel(logging.WARNING)
    logging.getLogger("pytorch_lightning.utilities.rank_zero").addFilter(_is_no_advertisement)


def _is_no_advertisement(record: logging.LogRecord) -> bool:
    return not any(name in record.getMessage() for name in ("litlogger", "litmodels"))
