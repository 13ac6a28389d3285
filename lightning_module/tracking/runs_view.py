"""Which columns MLflow's table of runs shows: a ratio, its seed and four figures, without a click."""

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
    """Keeps the view with an experiment, and says that models are trained there, not prompted."""
    client.set_experiment_tag(experiment_id, "mlflow.experimentKind", "custom_model_development")
    client.set_experiment_tag(experiment_id, _SHARED_VIEW, json.dumps({"selectedColumns": _COLUMNS}))


def view_path(experiment_id: str) -> str:
    """Of the table, below MLflow's address."""
    return f"#/experiments/{experiment_id}/runs?workflowType=machine_learning&viewStateShareKey={_NAME}"
