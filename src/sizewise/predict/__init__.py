"""Trained networks, applied to new inputs."""

from sizewise.predict.predictor import (
    Deployed,
    Estimate,
    Prediction,
    Predictor,
    _load_pyfunc,
    load,
)

__all__ = ["Deployed", "Estimate", "Prediction", "Predictor", "_load_pyfunc", "load"]
