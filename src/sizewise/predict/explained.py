"""What a trained network looks at in new inputs."""

import numpy as np

from sizewise.data.lengths import parted
from sizewise.data.splits import Batch
from sizewise.errors import UserError
from sizewise.explain.methods import Maps, explained, methods_for
from sizewise.predict.predictor import TOO_LARGE, Estimate, Prediction, Predictor


def explain(
    predictor: Predictor, inputs: np.ndarray, method: str | None = None
) -> tuple[Maps, list[Prediction] | list[Estimate]]:
    """Return maps of what the network's answers come from, and the answers.

    Args:
        predictor: the network.
        inputs: (N, C, *S), as the data set has them; sequences that end early are NaN from there.
        method: one of `methods_for`; None takes what suits the network's family best.

    Raises:
        UserError: the network has no such maps, or no finite answer.
    """
    suited = methods_for(predictor.model, predictor.spec)
    outputs = predictor.logits(inputs)
    answers = predictor.answers(outputs)
    if not all(each.is_finite for each in answers):
        raise UserError(TOO_LARGE)
    scaled = predictor.normalisation.apply(inputs)
    read, lengths = parted(scaled) if predictor.spec.unequal else (scaled, None)
    samples = Batch(read, outputs.argmax(dim=1), lengths)
    return explained(predictor.model, samples, predictor.spec, method or suited[0]), answers
