"""`sizewise explain`: what a run's network looks at."""

import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sizewise.apply.runs import find_finished, recorded_config
from sizewise.config import DataConfig
from sizewise.data import load
from sizewise.data.files.conform import Form, form_of
from sizewise.data.files.reader import Failure, Opened, Sample, read
from sizewise.data.lengths import lengths_of
from sizewise.data.own.named import channels
from sizewise.data.published import read_arrays
from sizewise.data.published.mnist1d_places import template_places
from sizewise.errors import UserError, say
from sizewise.explain import faithful
from sizewise.explain.methods import COMPLETE, Maps
from sizewise.files import replacing
from sizewise.predict.explained import attending, explain
from sizewise.predict.predictor import Estimate, Prediction, Predictor
from sizewise.predict.prompted import Said
from sizewise.predict.transducer import Transducer
from sizewise.records import readable_number
from sizewise.report.figures import write_figures
from sizewise.report.maps import draw_alignment, draw_columns, draw_image, draw_sequence
from sizewise.report.section import Chart
from sizewise.tracking.artifacts import model_file
from sizewise.training.checkpoint import load_model

MOST_INPUTS = 100  # in one command
MOST_COLUMNS = 5  # of a table that are said
LEVELS = "▁▂▃▄▅▆▇█"
LONGEST = 120  # sequence that is drawn in a line of text


class Asked(NamedTuple):
    """What is to be explained: where it is from, (C, *S), its label and its true places, if known.

    Sequences that end early are NaN from there on.
    """

    name: str
    values: np.ndarray
    label: str = ""
    places: NDArray[np.bool_] | None = None


def run(arguments: Namespace) -> None:
    """Print what the network looks at in each input; exit with 1 if any could not be read.

    Raises:
        UserError: the network has no such maps, or the data can't be had.
    """
    if arguments.samples < 1 or arguments.seed < 0:
        raise UserError("expected --samples of 1 or more, and --seed of 0 or more")
    store, stored = find_finished(arguments)
    with model_file(store, stored) as path:
        saved = load_model(path)
    if saved.spec.kind == "pair":
        if arguments.inputs:
            raise UserError("attention is shown of a run's own test samples: expected no INPUT")
        transducer = Transducer(saved, arguments.allow_code)
        data = recorded_config(store, stored).data
        count = min(arguments.samples, MOST_INPUTS)
        said = attending(transducer, load(data, seed=0).test, count, arguments.seed)
        _tell_alignments(said, arguments.out)
        return
    predictor = Predictor(saved, arguments.allow_code)
    form = form_of(predictor.spec, predictor.normalisation)
    failures: list[Failure] = []
    if arguments.inputs:
        asked = list(_read(arguments.inputs, form, failures))
    else:
        data = recorded_config(store, stored).data
        asked = _test_samples(predictor, data, arguments.samples, arguments.seed)
    if asked:
        inputs = np.stack([each.values for each in asked])
        maps, answers = explain(predictor, inputs, arguments.method)
        _print(predictor, asked, maps, answers)
        if arguments.out:
            _write(arguments.out, predictor, asked, maps, answers, form)
    for failure in failures:
        say(f"{failure.place}: {failure.reason}")
    if failures:
        sys.exit(1)


def _tell_alignments(found: Sequence[tuple[Said, list[str]]], folder: Path | None) -> None:
    """Print what each symbol of answers attends to most, and draw it all into a folder, if any.

    Raises:
        UserError: the folder can't be written.
    """
    for said, accepted in found:
        right = "" if said.text in accepted else f"  (it is {' or '.join(accepted)})"
        print(f"{' '.join(said.read)}  →  {said.text or 'nothing'}{right}")
        looked = [
            f"{symbol.text}←{said.read[int(np.argmax(weights))]} {max(weights):.0%}"
            for symbol, weights in zip(said.symbols, said.attention or [], strict=True)
        ]
        print("  " + "  ".join(looked))
    if folder is None:
        return
    charts = [
        draw_alignment(
            f"map_{number:02d}",
            said.read,
            [each.text for each in said.symbols],
            np.array(said.attention),
        )
        for number, (said, _) in enumerate(found, 1)
        if said.symbols
    ]
    try:
        files = write_figures(charts, folder)
    except OSError as error:
        raise UserError(f"{folder} can't be written ({error.strerror}); choose another") from error
    print(f"{len(files)} pictures are in {folder}")


def _read(paths: Sequence[Path], form: Form, failures: list[Failure]) -> Iterator[Asked]:
    """Yield the inputs of files and folders; what can't be read goes to `failures`."""
    count = 0
    for found in read(paths, form):
        match found:
            case Opened(file, done=done) if done:
                say(f"{file}: {'; '.join(map(str, done))}")
            case Failure():
                failures.append(found)
            case Sample(place, values, done=done):
                count += 1
                if count > MOST_INPUTS:
                    raise UserError(f"more than {MOST_INPUTS} inputs; expected at most so many")
                made = f"  [{', '.join(map(str, done))}]" if done else ""
                yield Asked(f"{place}{made}", values)


def _test_samples(predictor: Predictor, data: DataConfig, count: int, seed: int) -> list[Asked]:
    """Return some test samples of the run's own data set, and say which."""
    arrays, names = read_arrays(data), predictor.spec.class_names
    total = len(arrays.test_inputs)
    count = min(count, total, MOST_INPUTS)
    chosen = np.sort(np.random.default_rng(seed).choice(total, count, replace=False))
    say(
        f"no INPUT was given: {count} of {total:,} test samples of {predictor.spec.name}, drawn by "
        f"--seed {seed}"
    )
    places = template_places(data)
    return [
        Asked(
            f"test sample {index}",
            arrays.test_inputs[index],
            names[int(arrays.test_targets[index])] if names else "",
            None if places is None else places[index],
        )
        for index in chosen.tolist()
    ]


def _print(
    predictor: Predictor,
    asked: Sequence[Asked],
    maps: Maps,
    answers: Sequence[Prediction | Estimate],
) -> None:
    """Print each input's answer, and in short what it comes from."""
    name = maps.method.replace("_", " ")
    from_mean = ", against the training mean" if maps.method == "integrated_gradients" else ""
    print(f"by {name}{from_mean}")
    mass = faithful.shares(maps)
    for index, (each, answer) in enumerate(zip(asked, answers, strict=True)):
        is_label = f"  (it is {each.label})" if each.label else ""
        print(f"{each.name}  {_answered(answer)}{is_label}")
        values = maps.values[index]
        if predictor.spec.kind == "row":
            print(f"  {_strongest(predictor, values)}")
            continue
        if not values.any():
            print("  nothing in it speaks for the answer; another --method may tell more")
            continue
        there = slice(lengths_of(each.values[None])[0] if predictor.spec.unequal else None)
        share = mass[index].reshape(values.shape)[there]
        if share.ndim == 1 and len(share) <= LONGEST:
            levels = np.round((len(LEVELS) - 1) * share / share.max()).astype(int)
            print(f"  {''.join(LEVELS[level] for level in levels)}")
        print(f"  {_where(share, each.places)}")
    lacking = np.flatnonzero(maps.incomplete > COMPLETE)
    if len(lacking):
        say(
            f"the map of {asked[lacking[0]].name} does not add up to the answer: "
            f"{maps.incomplete[lacking[0]]:.1%} of its mass is lacking, likewise of "
            f"{len(lacking) - 1} others"
        )


def _answered(answer: Prediction | Estimate) -> str:
    if isinstance(answer, Estimate):
        return readable_number(answer.value)
    return f"{answer.label}  {answer.probability:.1%}"


def _strongest(predictor: Predictor, values: np.ndarray) -> str:
    """Return the columns of a row that speak for or against the answer most."""
    assert predictor.spec.table is not None
    names = channels(predictor.spec.table)
    order = np.argsort(-np.abs(values), kind="stable")[:MOST_COLUMNS]
    return ", ".join(f"{names[index]} {values[index]:+.3g}" for index in order)


def _where(share: np.ndarray, places: NDArray[np.bool_] | None) -> str:
    """Return where a map's mass is, and how much of it on the true places, in words."""
    flat = share.reshape(1, -1)
    needed = round(float(faithful.half_mass(flat)[0]) * flat.shape[1])
    peak = np.unravel_index(int(share.argmax()), share.shape)
    axes, things = (("step",), "steps") if share.ndim == 1 else (("row", "column"), "pixels")
    most = ", ".join(f"{axis} {place}" for axis, place in zip(axes, peak, strict=True))
    words = f"half of the map is on {needed} of {flat.shape[1]} {things}, most at {most}"
    if places is not None:
        on = float((flat[0] * places).sum())
        words += f"; {on:.0%} on the template, which is {places.mean():.0%} of the steps"
    return words


def _write(
    folder: Path,
    predictor: Predictor,
    asked: Sequence[Asked],
    maps: Maps,
    answers: Sequence[Prediction | Estimate],
    form: Form,
) -> None:
    """Write a picture of each input as PNG and SVG, and all numbers as maps.npz.

    Raises:
        UserError: the folder can't be written.
    """
    charts = [
        _chart(predictor, f"map_{index + 1:02d}", each, maps, index, form, _answered(answer))
        for index, (each, answer) in enumerate(zip(asked, answers, strict=True))
    ]
    try:
        files = write_figures(charts, folder)
        arrays = {
            "inputs": np.stack([each.values for each in asked]),
            "maps": maps.values,
            "method": np.array(maps.method),
            "names": np.array([each.name for each in asked]),
            "answers": np.array([_answered(answer) for answer in answers]),
            "incomplete": maps.incomplete,
        }
        if maps.attention is not None:
            arrays["attention"] = maps.attention
        with replacing(folder / "maps.npz") as file:
            np.savez(file, allow_pickle=False, **arrays)
    except OSError as error:
        raise UserError(f"{folder} can't be written ({error.strerror}); choose another") from error
    print(f"{len(files)} pictures and maps.npz are in {folder}")


def _chart(
    predictor: Predictor, name: str, each: Asked, maps: Maps, index: int, form: Form, answer: str
) -> Chart:
    """Return the picture of an input and its map."""
    caption = f"{each.name}: {answer}, by {maps.method.replace('_', ' ')}"
    caption += "" if each.places is None else "; black: the template"
    looked = maps.values[index]
    if predictor.spec.kind == "row":
        assert predictor.spec.table is not None
        return draw_columns(name, caption, channels(predictor.spec.table), looked)
    if looked.ndim == 2:
        return draw_image(name, caption, each.values / form.white, looked)
    steps = slice(lengths_of(each.values[None])[0] if predictor.spec.unequal else None)
    attention = None if maps.attention is None else maps.attention[index][steps, steps]
    return draw_sequence(
        *(name, caption, each.values[:, steps], looked[steps]),
        truth=each.places,
        attention=attention,
    )
