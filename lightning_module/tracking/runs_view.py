"""The columns of MLflow's table of runs: the region weights, the seed and the test figures."""

import json
from typing import TYPE_CHECKING

from lightning_module.evaluation.nme import YAW_BINS

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

_NAME = "nme"
_SHARED_VIEW = f"mlflow.sharedViewState.{_NAME}"
_COLUMNS = [
    *(f"metrics.`test/nme/{name}`" for name in ("mean", *YAW_BINS)),
    "tags.`ratio`",
    "params.`seed`",
    "tags.`dataset.test`",
    "attributes.`Created`",
    "attributes.`Duration`",
]


def offer_view(client: "MlflowClient", experiment_id: str) -> None:
    """Stores the view with an experiment, and declares it an experiment of model training."""
    client.set_experiment_tag(experiment_id, "mlflow.experimentKind", "custom_model_development")
    client.set_experiment_tag(experiment_id, _SHARED_VIEW, json.dumps({"selectedColumns": _COLUMNS}))


def view_path(experiment_id: str) -> str:
    """Path of the table below MLflow's address."""
    return f"#/experiments/{experiment_id}/runs?workflowType=machine_learning&viewStateShareKey={_NAME}"
