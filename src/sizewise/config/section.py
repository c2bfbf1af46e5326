"""What every group of keys is."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A group of keys."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
