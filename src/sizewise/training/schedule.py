"""The learning rate as a pure function of the step, so that any step can be resumed from."""

import math

WARM_UP = 0.3  # of all steps
START = 1 / 25  # of the peak
END = START * 1e-4  # of the peak


def learning_rate_at(step: int, total_steps: int, peak: float, schedule: str) -> float:
    """Return the learning rate of one step.

    Args:
        step: from 0 to `total_steps` - 1.
        total_steps: how many there are.
        peak: the highest rate.
        schedule: `constant`; `cosine`, from the peak to zero (Loshchilov & Hutter, ICLR 2017);
            `one_cycle`, up and down along cosines as PyTorch's OneCycleLR (Smith & Topin, 2018).
    """
    if schedule == "constant":
        return peak
    if schedule == "cosine":
        return peak * _cosine(1, 0, step / total_steps)
    turn = WARM_UP * total_steps - 1
    if step <= turn:
        return peak * _cosine(START, 1, step / turn)
    return peak * _cosine(1, END, (step - turn) / (total_steps - 1 - turn))


def _cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2
