"""How far a few steps of training move what each layer gives, by width: without muP and under it.

    python -m experiments.lr_transfer.activations       # half a minute; writes figures/activations

Under muP that is the same at every width ("coordinate check", Yang et al. 2022, appendix D.1).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import altair as alt
import torch
from torch import Tensor, nn

from sizewise.data.spec import DataSpec
from sizewise.data.splits import Batch
from sizewise.models import Architecture, base_width_of, build
from sizewise.report import style
from sizewise.report.figures import write_figures
from sizewise.report.section import Chart, Rows
from sizewise.tasks import find_task
from sizewise.training.optimizer import Stepper
from tests.builders import make_training

STEPS, RATE = 5, 0.01
TIMES = (1, 2, 4, 8, 16)  # the base width
LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.RNNBase, nn.Embedding)
SPEC = DataSpec("walks", (1, 40), tuple("0123456789"))
WAYS = {"standard": False, "muP": True}
Moves = dict[str, list[float]]  # of each layer, by width


def walks(seed: int, samples: int = 32) -> Batch:
    """Return random walks of 40 steps, each with a class drawn for it."""
    generator = torch.Generator().manual_seed(seed)
    steps = torch.randn(samples, *SPEC.input_shape, generator=generator)
    return Batch(steps.cumsum(2) / 3, torch.randint(10, (samples,), generator=generator))


def answers(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
    """Return what each layer with weights gives, by its name."""
    found: dict[str, Tensor] = {}

    def keep(name: str, given: Tensor | tuple[Tensor, ...]) -> None:
        found[name] = (given[0] if isinstance(given, tuple) else given).clone()

    hooks = [
        layer.register_forward_hook(lambda _, __, given, name=name: keep(name, given))
        for name, layer in model.named_modules()
        if isinstance(layer, LAYERS)
    ]
    with torch.no_grad():
        model(*batch.given)
    for hook in hooks:
        hook.remove()
    return found


def moves(architecture: Architecture, spec: DataSpec, batch: Batch, seed: int) -> dict[str, float]:
    """Return how far steps of Adam on one batch move what each layer gives: mean |change|."""
    torch.manual_seed(seed)
    model, task = build(spec, architecture), find_task(spec.task)
    stepper = Stepper(model, make_training(learning_rate=RATE))
    before = answers(model, batch)
    for step in range(STEPS):
        task.losses(model(*batch.given), batch.targets).mean().backward()
        stepper.step(step, RATE)
    after = answers(model, batch)
    return {name: float((after[name] - before[name]).abs().mean()) for name in before}


def moves_by_width(
    architecture: Architecture,
    *,
    mup: bool,
    seeds: Sequence[int],
    times: Sequence[int] = TIMES,
    spec: DataSpec = SPEC,
    batches: Mapping[int, Batch] | None = None,
) -> Moves:
    """Return the mean over seeds of `moves` at each of so many times the family's base width.

    Args:
        architecture: whose width is not read.
        mup: whether to scale by the width.
        seeds: of initial weights and, without `batches`, of the data.
        times: the widths.
        spec: of the data.
        batches: by seed.
    """
    base = base_width_of(architecture.family)
    found: dict[str, list[float]] = {}
    for each in times:
        asked = replace(architecture, width=each * base, base_width=base if mup else None)
        by_seed = [
            moves(asked, spec, walks(seed) if batches is None else batches[seed], seed)
            for seed in seeds
        ]
        for name in by_seed[0]:
            mean = sum(moved[name] for moved in by_seed) / len(seeds)
            found.setdefault(name, []).append(mean)
    return found


def spread(moved: Sequence[float]) -> float:
    """Return how often the least of a layer's moves goes into the greatest."""
    return max(moved) / min(moved)


def chart(networks: Mapping[str, Architecture], seeds: Sequence[int]) -> Chart:
    """Draw the moves of each layer by width, a panel a family and parametrisation."""
    rows: Rows = []
    for family, architecture in networks.items():
        for way, mup in WAYS.items():
            by_layer = moves_by_width(architecture, mup=mup, seeds=seeds)
            worst = max(map(spread, by_layer.values()))
            print(f"{family}, {way}: spreads by at most {worst:.2f}")
            rows += [
                {
                    "family": family,
                    "way": way,
                    "layer": number,
                    "times": times,
                    "moved": style.number(moved),
                }
                for number, by_width in enumerate(by_layer.values(), start=1)
                for times, moved in zip(TIMES, by_width, strict=True)
            ]
    x = alt.X("times:Q", title="times the base width").scale(type="log", base=2)
    y = alt.Y("moved:Q", title=f"mean |change| after {STEPS} steps").scale(type="log", nice=False)
    colour = alt.Color("layer:O", title="layer").scale(scheme="viridis")
    base = alt.Chart().encode(x.axis(values=list(TIMES)), y, colour)
    drawn = (
        alt.layer(base.mark_line(), base.mark_circle(size=30), data=alt.NamedData("moves"))
        .properties(width=170, height=150)
        .facet(
            row=alt.Row("way:N", title=None, sort=list(WAYS)),
            column=alt.Column("family:N", title=None, sort=list(networks)),
        )
    )
    caption = f"How far {STEPS} steps of Adam move what each layer gives, by width"
    return style.chart("activations", caption, drawn, {"moves": rows})


NETWORKS = {
    "mlp": Architecture("mlp", depth=2),
    "cnn": Architecture("cnn"),
    "lstm": Architecture("lstm", depth=2),
}

if __name__ == "__main__":
    torch.set_num_threads(1)
    write_figures([chart(NETWORKS, seeds=range(4))], Path(__file__).parent / "figures")
