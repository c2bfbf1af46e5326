"""Trained networks, applied to new inputs and prompts."""

from sizewise.predict.loading import _load_pyfunc, load
from sizewise.predict.predictor import Deployed, Estimate, Prediction, Predictor
from sizewise.predict.prompted import Prompted, Ways

__all__ = [
    "Deployed",
    "Estimate",
    "Prediction",
    "Predictor",
    "Prompted",
    "Ways",
    "_load_pyfunc",
    "load",
]
