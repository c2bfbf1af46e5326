"""Where MNIST-1D's generator put the template in each sample: what there is to look at."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sizewise.config import DataConfig, Mnist1dConfig
from sizewise.data.published.mnist1d import cached, draw


def template_places(config: DataConfig) -> NDArray[np.bool_] | None:
    """Return which steps of each test sample the template lies on, (N, L); None of other sets.

    The package keeps no record of it, so the set is drawn again, which gives the same numbers, and
    of each sample what padding, dilation and translation make of the template's place is kept:
    7 to 12 of 40 steps. The rest is noise. It is cached beside the set.

    Raises:
        UserError: the data folder can't be written.
    """
    if not isinstance(config, Mnist1dConfig):
        return None

    def places() -> dict[str, np.ndarray]:
        drawn = draw(config, _place)
        return {"places": drawn.samples[drawn.test]}

    return cached(config, ".places", places)["places"]


def _place(template: np.ndarray, times: np.ndarray, settings: Any) -> NDArray[np.bool_]:
    """Return where `transform` puts a template, leaving the generator as that would."""
    from mnist1d.transform import interpolate, pad, transform, translate

    before = np.random.get_state()
    transform(template, times, settings)
    after = np.random.get_state()
    np.random.set_state(before)
    length = settings.template_len + settings.padding[-1]
    there = interpolate(pad(np.ones(len(template)), settings.padding), length)
    np.random.rand()  # its scale
    there = translate(there, settings.max_translation) != 0
    np.random.set_state(after)
    return np.asarray(interpolate(there.astype(float), settings.final_seq_length) > 0)
