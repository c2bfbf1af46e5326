"""One colour for each family, the same in every figure, told apart by colour-blind readers too.

The colours are those of Okabe & Ito, "Color Universal Design" (2008), https://jfly.uni-koeln.de/color/.
"""

from collections.abc import Sequence

FIXED = {
    "cnn": "#0072B2",
    "lstm": "#D55E00",
    "attention": "#009E73",
    "gru": "#CC79A7",
    "rnn": "#E69F00",
    "mlp": "#56B4E9",
    "logistic": "#666666",
}
OTHERS = ("#000000", "#B8A800", *FIXED.values())
FIXED |= {  # the references: darker than networks, drawn dashed or by markers of their own
    "svm": "#000000",
    "random_forest": "#7A4A1E",
    "gradient_boosting": "#8A8000",
    "knn": "#5B4B9A",
    "linear": "#8C8C8C",
}
MARKERS = {"cnn": "o", "lstm": "s", "attention": "D", "gru": "^", "rnn": "v", "mlp": "P"}
MARKERS |= {"svm": "X", "random_forest": "*", "gradient_boosting": ">", "knn": "<", "linear": "p"}
OTHER_MARKERS = ("X", "*", "<", ">", "p", "h")


def colours(families: Sequence[str]) -> dict[str, str]:
    """Return each family's colour; those not known here get theirs in alphabetical order."""
    unknown = sorted(set(families) - set(FIXED))
    drawn = {family: OTHERS[i % len(OTHERS)] for i, family in enumerate(unknown)}
    return {family: FIXED.get(family) or drawn[family] for family in families}


def markers(families: Sequence[str]) -> dict[str, str]:
    """Return each family's marker, so that colour is never the only difference."""
    unknown = sorted(set(families) - set(MARKERS))
    drawn = {f: OTHER_MARKERS[i % len(OTHER_MARKERS)] for i, f in enumerate(unknown)}
    return {family: MARKERS.get(family) or drawn[family] for family in families}
