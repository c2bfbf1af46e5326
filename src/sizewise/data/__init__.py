"""Data sets: where they come from, how they are divided, normalised and cut into batches."""

from sizewise.data.dataset import Dataset, load
from sizewise.data.normalisation import Normalisation
from sizewise.data.spec import DataSpec
from sizewise.data.splits import Split, carve_validation, choose_stratified

__all__ = [
    "DataSpec",
    "Dataset",
    "Normalisation",
    "Split",
    "carve_validation",
    "choose_stratified",
    "load",
]
