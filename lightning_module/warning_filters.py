"""Silences Lightning's warnings about deliberate choices, its advertisements, and what needs no saying."""

import logging
import warnings

_UNNEEDED = (
    "litlogger",
    "litmodels",
    "Loading `train_dataloader` to estimate",
    "`Trainer.fit` stopped: `max_epochs=",  # the end that every fit has; the other reasons to stop are shown
)


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
    logging.getLogger("pytorch_lightning.utilities.rank_zero").addFilter(_is_needed)


def _is_needed(record: logging.LogRecord) -> bool:
    return not any(text in record.getMessage() for text in _UNNEEDED)
