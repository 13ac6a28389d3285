"""The tracking store of a run that goes on, and how far its journal was uploaded there."""

import logging

from lightning_module.tracking.delivery import Delivery
from lightning_module.tracking.journal import Journal
from lightning_module.tracking.mlflow_store import MlflowStore
from lightning_module.tracking.moved_runs import anew, in_store, original_of, store_of
from lightning_module.tracking.store_check import refuse_hopeless

_log = logging.getLogger(__name__)


def continued(journal: Journal, store: MlflowStore, experiment: str) -> tuple[MlflowStore, Delivery]:
    """The store in which a run was created, where that lies today, and the progress of the upload to it.

    Args:
        journal: The run's journal.
        store: The store that the user has chosen, in which a run goes on that names none.
        experiment: Name of the experiment that the user has chosen.

    Raises:
        InputError: If nothing that the run logs can ever arrive, as where it was deleted in MLflow.
    """
    run = journal.folder
    recorded, original = store_of(journal) or store.uri, original_of(journal)
    if recorded != store.uri:
        _log.warning("Run %s continues in %s, where it was created, not in %s.", run.key, recorded, store.uri)
        store = MlflowStore(recorded, store.artifacts)
    delivery = anew(store.uri, is_copy=True) if original else in_store(journal, store.uri)
    refuse_hopeless(store, experiment, run.key, delivery.run_id)
    before = journal.last_folder
    if original is not None:
        _log.warning("%s is a copy of %s, and goes on as another run in MLflow.", run.path, original)
    elif before is not None and before != run.path.absolute():
        _log.warning("Run %s was moved from %s, and goes on in MLflow at %s.", run.path, before, store.uri)
    return store, delivery
