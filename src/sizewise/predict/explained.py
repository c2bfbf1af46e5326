"""What a trained network looks at in inputs."""

import numpy as np
import torch

from sizewise.data.lengths import parted
from sizewise.data.splits import Batch, Samples
from sizewise.errors import UserError
from sizewise.explain.methods import Maps, explained, methods_for
from sizewise.predict.predictor import TOO_LARGE, Estimate, Prediction, Predictor
from sizewise.predict.prompted import Said
from sizewise.predict.transducer import Transducer


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


def attending(
    network: Transducer, test: Samples, count: int, seed: int
) -> list[tuple[Said, list[str]]]:
    """Return a network's answers to some test samples, and those that are accepted.

    Args:
        network: that answers sequences.
        test: the test split.
        count: how many samples; all where there are fewer.
        seed: which.

    Raises:
        UserError: it has no attention.
    """
    found = []
    count = min(count, len(test))
    for row in np.sort(np.random.default_rng(seed).choice(len(test), count, replace=False)):
        prompt, accepted = network.sample(test.batch(torch.tensor([row])))
        said = network.answer(prompt)
        if said.attention is None:
            raise UserError(
                f"{type(network.model).__name__} has no attention to look at: expected a run of "
                "model=seq2seq_dot, seq2seq_additive or seq2seq_transformer"
            )
        found.append((said, accepted))
    return found
