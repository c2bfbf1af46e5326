"""The article's claims beside what was measured of them, in English and in Chinese.

The numbers come from the studies' records.
"""

from functools import cache
from pathlib import Path

from experiments.claim_texts import TEXTS
from sizewise.records import read_records
from sizewise.report.analysis import Analysis, analyse
from sizewise.report.by_rate import compared, contrasts
from sizewise.report.cells import TRAINING_TIME
from sizewise.report.conditions import AMOUNT, LENGTH, by_condition, levels
from sizewise.report.contents import contents
from sizewise.report.section import Section
from sizewise.report.studies.compute.families import families_at_budgets, flops
from sizewise.report.studies.double_descent import descents
from sizewise.report.studies.interpretability.looks import looks_of, pooled
from sizewise.report.studies.label_noise import duels, percent, shares
from sizewise.report.studies.levels import Level
from sizewise.report.studies.seq2seq.equal import gains
from sizewise.report.studies.seq2seq.worth import times, worths
from sizewise.report.words import SHARES, MeasureWords, factor, followed, numbers, size

HERE = Path(__file__).parent
SIZES, SEQUENCES, IMAGES = (
    ("large_vs_small/runs.jsonl",),
    ("deep_vs_classical/runs.jsonl", "deep_vs_classical/near_runs.jsonl"),
    ("deep_vs_classical/mnist_runs.jsonl", "deep_vs_classical/mnist_near_runs.jsonl"),
)
TEXT, SPEECH = ("text/runs.jsonl",), ("speech/runs.jsonl",)
BUDGETS = (
    *(f"{name}/runs.jsonl" for name in ("compute", "compute_attention", "compute_text")),
    "text/wide_runs.jsonl",
)


def claims(language: str) -> str:
    """Return the table in `en` or `zh`."""
    say = TEXTS[language]
    sizes, texts, speech = map(_analysis, (SIZES, TEXT, SPEECH))
    return "\n".join(
        [
            say["head"],
            "|---|---|---|",
            _row(say["accurate"], _each(sizes, say["grew"], say["points"]), "large_vs_small"),
            _row(say["text"], _each(texts, say["grew by byte"], say["points"]), "text"),
            _row(say["speech"], _each(speech, say["grew"], say["points"]), "speech"),
            _row(say["cost"], _each(sizes, say["paid"], say["points"]), "large_vs_small"),
            _row(
                say["deep"],
                [
                    say["sequences"].format(place=_crossing(SEQUENCES)),
                    say["images"].format(place=_crossing(IMAGES)),
                ],
                "deep_vs_classical",
            ),
            _row(say["compute"], [_seconds(say["seconds"])], "deep_vs_classical"),
            _row(say["attention"], [*_worths(say), *_gains(say)], "seq2seq"),
            _row(say["steps"], [say["steps measured"]], "article"),
            _row(say["compute hard"], _budgets(say), "compute"),
            _row(say["amount"], _amounts(say), "data_amount"),
            _row(say["data"], _noise(say), "label_noise"),
            _row("", _descents(say), "double_descent"),
            _row(say["interpretability"], [_maps(say)], "interpretability"),
            _row(say["stability"], [_unstable(say)], "stability"),
        ]
    )


def _row(claim: str, measured: list[str], study: str) -> str:
    return f"| {claim} | {'<br>'.join(measured)} | [{study}](experiments/{study}) |"


@cache
def _analysis(files: tuple[str, ...]) -> Analysis:
    records = [record for name in files for record in read_records(HERE / name)]
    return analyse(records, name=Path(files[0]).parent.name)


@cache
def _study(files: tuple[str, ...]) -> Section:
    (study,) = contents(_analysis(files)).studies
    return study


def _each(found: Analysis, text: str, points: str) -> list[str]:
    words, rows = MeasureWords(found.measure), []
    for result in found.families:
        grown = result.growth
        assert grown is not None
        rows.append(
            text.format(
                family=result.family,
                small=size(grown.smallest.parameters),
                large=size(grown.largest.parameters),
                before=words.value(grown.before),
                after=words.value(grown.after),
                by=words.size_of(grown.bought, grown.interval).replace(" points", points),
                times=factor(grown.largest.parameters / grown.smallest.parameters),
                time=factor(grown.factors[TRAINING_TIME]),
            )
        )
    return rows


def _crossing(files: tuple[str, ...]) -> str:
    """Return the place of a crossing with its interval, as the study's headline has it."""
    _, _, place = _study(files).title.partition("at about ")
    number, _, rest = place.partition(" training samples ")
    return f"{number} {rest.rstrip('.')}"


def _budgets(say: dict[str, str]) -> list[str]:
    """Return each family's best size at the least and at the most training FLOPs."""
    rows = []
    for file in BUDGETS:
        records = _analysis((file,)).usable
        for found in families_at_budgets(records):
            ends = found.budgets[0], found.budgets[-1]
            least, most = (
                "–".join(dict.fromkeys(size(cell.parameters) for cell in (may[0], may[-1])))
                for may in (each.untold for each in ends)
            )
            few, many = (flops(each.flops) for each in ends)
            data = records[0].data
            rows.append(
                say["budget"].format(
                    family=found.family, data=data, least=least, most=most, few=few, many=many
                )
            )
    return rows


def _worths(say: dict[str, str]) -> list[str]:
    """Return how many times more parameters attention is worth, by length."""
    records = _analysis(("seq2seq/runs.jsonl",)).usable
    found = [
        worth
        for runs in levels(records, LENGTH)
        for worth in worths(Level("", float(runs[0].config[LENGTH]), runs))
    ]
    return [
        say["worth"].format(
            length=worth.length,
            ratio=times(worth.ratio),
            interval="[" + ", ".join(map(times, worth.interval or ())) + "]",
        )
        for worth in found
    ]


def _gains(say: dict[str, str]) -> list[str]:
    """Return what attention brings at equal parameters, on words that are pronounced."""
    records = _analysis(("seq2seq/cmudict_runs.jsonl",)).usable
    words = MeasureWords(records[0].measure)
    return [
        say["gained"].format(
            data=records[0].data,
            without=words.value(gain.plain.error),
            attending=words.value(gain.attending.error),
            by=words.size_of(gain.saved.mean, gain.saved.interval).replace(
                " points", say["points"]
            ),
            size=size(gain.attending.parameters),
        )
        for gain in gains(Level("", 0.0, records))
    ]


def _amounts(say: dict[str, str]) -> list[str]:
    """Return what each family gains by growing on the least data and on the most."""
    runs = levels(_analysis(("data_amount/runs.jsonl",)).usable, AMOUNT)
    ends = [analyse(each, name="data_amount") for each in (runs[0], runs[-1])]
    words, rows = MeasureWords(ends[0].measure), []
    for few, many in zip(*(each.families for each in ends), strict=True):
        assert few.growth is not None
        assert many.growth is not None
        by, by_most = (
            words.size_of(each.bought, each.interval).replace(" points", say["points"])
            for each in (few.growth, many.growth)
        )
        least, most = (f"{each[0].train_samples or 0:,}" for each in (runs[0], runs[-1]))
        rows.append(
            say["grew by data"].format(
                family=few.family,
                small=size(few.growth.smallest.parameters),
                large=size(few.growth.largest.parameters),
                **{"by": by, "by_most": by_most, "least": least, "most": most},
            )
        )
    return rows


def _noise(say: dict[str, str]) -> list[str]:
    """Return from which share of wrong labels on small beats large, of each family."""
    (_, _, fought), *_ = duels(_analysis(("label_noise/runs.jsonl",)).usable)
    rows = []
    for duel in fought:
        text = say["ahead" if duel.is_told else "not ahead" if duel.is_lost else "open"]
        place = followed(percent(duel.place, 2), duel.interval, shares)
        small, large = size(duel.small.parameters), size(duel.large.parameters)
        rows.append(
            text.format(
                family=duel.small.family,
                place=place,
                most=percent(duel.shares[-1]),
                small=small,
                large=large,
            )
        )
    return rows


def _maps(say: dict[str, str]) -> str:
    """Return how much more of a larger network's maps lies where there is something to see."""
    found = looks_of(_analysis(("interpretability/runs.jsonl",)).usable)
    change = pooled([looks.paired.get("truth") for looks in found])
    assert change is not None
    value, interval = change
    assert interval is not None
    assert interval.low > 0, "the sentence holds only then"
    return say["look"].format(truth=f"{value:.2f} {numbers(interval)}")


def _unstable(say: dict[str, str]) -> str:
    """Return what the largest networks have more than the smallest, a mean over families."""
    records = _analysis(("stability/runs.jsonl",)).usable
    found, words = contrasts(compared(by_condition(records)[-1])), MeasureWords(records[0].measure)
    told = {
        "failures": SHARES.difference(*found.failures),
        "spread": words.difference(*found.spread),
        "sensitivity": words.difference(*found.sensitivity),
    }
    return say["unstable"].format(
        **{name: text.replace(" points", say["points"]) for name, text in told.items()}
    )


def _descents(say: dict[str, str]) -> list[str]:
    """Return where growing hurts before it helps."""
    found = descents(_analysis(("double_descent/runs.jsonl",)).usable)
    words = MeasureWords(found[0].peak.measure)
    return [
        say["hurts"].format(
            family=each.peak.family,
            noise=percent(each.noise),
            first=words.value(each.first.error),
            peak=words.value(each.peak.error),
            last=words.value(each.last.error),
            small=size(each.first.parameters),
            middle=size(each.peak.parameters),
            large=size(each.last.parameters),
        )
        for each in found
        if each.is_seen
    ]


def _seconds(text: str) -> str:
    rows = [row for row in _study(SEQUENCES).tables[0].rows if row["training samples"] == "100"]

    def best(some: list[dict[str, str]]) -> str:
        row = min(some, key=lambda row: float(row["validation error"].rstrip("%")))
        return row["training time"]

    classical = [row for row in rows if "(" in row["family"]]
    networks = [row for row in rows if "(" not in row["family"]]
    return text.format(deep=best(networks), classical=best(classical))
