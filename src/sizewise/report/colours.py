"""One colour and one marker for each family, the same in every chart.

The colours are those of Okabe & Ito, "Color Universal Design" (2008), https://jfly.uni-koeln.de/color/:
colour-blind readers tell them apart too, and so do markers.
"""

from collections.abc import Mapping, Sequence

COLOURS = {
    "cnn": "#0072B2",
    "lstm": "#D55E00",
    "attention": "#009E73",
    "gru": "#CC79A7",
    "rnn": "#E69F00",
    "mlp": "#56B4E9",
    "logistic": "#666666",
}
OTHER_COLOURS = ("#000000", "#B8A800", *COLOURS.values())
COLOURS |= {  # the references: darker than networks, drawn dashed or by markers of their own
    "svm": "#000000",
    "random_forest": "#7A4A1E",
    "gradient_boosting": "#8A8000",
    "knn": "#5B4B9A",
    "linear": "#8C8C8C",
}
X = "M-1,-0.6L-0.6,-1L0,-0.4L0.6,-1L1,-0.6L0.4,0L1,0.6L0.6,1L0,0.4L-0.6,1L-1,0.6L-0.4,0Z"
STAR = "M0,-1.2L0.3,-0.4L1.1,-0.4L0.5,0.1L0.7,1L0,0.5L-0.7,1L-0.5,0.1L-1.1,-0.4L-0.3,-0.4Z"
PENTAGON = "M0,-1.1L1.05,-0.34L0.65,0.89L-0.65,0.89L-1.05,-0.34Z"
MARKERS = {  # names that Vega draws, or paths
    "cnn": "circle",
    "lstm": "square",
    "attention": "diamond",
    "gru": "triangle-up",
    "rnn": "triangle-down",
    "mlp": "cross",
    "svm": X,
    "random_forest": STAR,
    "gradient_boosting": "triangle-right",
    "knn": "triangle-left",
    "linear": PENTAGON,
}
OTHER_MARKERS = (X, STAR, "triangle-left", "triangle-right", PENTAGON)


def colours(families: Sequence[str]) -> list[str]:
    """Return each family's colour; those not known here get theirs in alphabetical order."""
    return _assigned(families, COLOURS, OTHER_COLOURS)


def markers(families: Sequence[str]) -> list[str]:
    """Return each family's marker, so that colour is never the only difference."""
    return _assigned(families, MARKERS, OTHER_MARKERS)


def _assigned(families: Sequence[str], known: Mapping[str, str], rest: Sequence[str]) -> list[str]:
    unknown = sorted(set(families) - set(known))
    drawn = {family: rest[i % len(rest)] for i, family in enumerate(unknown)}
    return [known.get(family) or drawn[family] for family in families]
