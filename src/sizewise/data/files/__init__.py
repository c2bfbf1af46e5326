"""Readers of images, tables and arrays, for training, checking and predicting alike."""

from typing import NamedTuple


class Adapted(NamedTuple):
    """Something done to an input: its kind, and in words where they say more than the kind."""

    kind: str
    detail: str = ""

    def __str__(self) -> str:
        return self.detail or self.kind
