"""Trained networks, applied to new inputs."""

from sizewise.predict.predictor import Deployed, Prediction, Predictor, _load_pyfunc, load

__all__ = ["Deployed", "Prediction", "Predictor", "_load_pyfunc", "load"]
