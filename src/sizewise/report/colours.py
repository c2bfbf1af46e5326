"""One colour and one marker for each family, the same in every chart.

The colours are those of Okabe & Ito, "Color Universal Design" (2008), https://jfly.uni-koeln.de/color/:
colour-blind readers tell them apart too, and colour is never the only difference.
"""

from collections.abc import Iterable

X = "M-1,-0.6L-0.6,-1L0,-0.4L0.6,-1L1,-0.6L0.4,0L1,0.6L0.6,1L0,0.4L-0.6,1L-1,0.6L-0.4,0Z"
STAR = "M0,-1.2L0.3,-0.4L1.1,-0.4L0.5,0.1L0.7,1L0,0.5L-0.7,1L-0.5,0.1L-1.1,-0.4L-0.3,-0.4Z"
PENTAGON = "M0,-1.1L1.05,-0.34L0.65,0.89L-0.65,0.89L-1.05,-0.34Z"
LOOKS = {  # markers are names that Vega draws, or paths
    "cnn": ("#0072B2", "circle"),
    "lstm": ("#D55E00", "square"),
    "attention": ("#009E73", "diamond"),
    "gru": ("#CC79A7", "triangle-up"),
    "rnn": ("#E69F00", "triangle-down"),
    "transformer": ("#332288", "triangle-right"),
    "mlp": ("#56B4E9", "cross"),
    "logistic": ("#666666", PENTAGON),
    "residual_mlp": ("#2F8FBF", STAR),
    "strided_cnn": ("#004C7A", "triangle-right"),
    "bigru": ("#8F4A73", "triangle-left"),
    "seq2seq": ("#D55E00", "square"),
    "seq2seq_dot": ("#009E73", "diamond"),
    "seq2seq_additive": ("#0072B2", "circle"),
    "seq2seq_gru": ("#CC79A7", "triangle-up"),
    "seq2seq_gru_dot": ("#56B4E9", "triangle-down"),
    "seq2seq_gru_additive": ("#E69F00", "cross"),
    "seq2seq_transformer": ("#332288", "triangle-right"),
    # the references: darker than networks, and dashed where they are lines
    "svm": ("#000000", X),
    "random_forest": ("#7A4A1E", STAR),
    "gradient_boosting": ("#8A8000", "triangle-right"),
    "knn": ("#5B4B9A", "triangle-left"),
    "linear": ("#8C8C8C", PENTAGON),
}
OTHERS = (("#000000", STAR), ("#B8A800", "triangle-left"), *LOOKS.values())


def looks(families: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return each family's colour and marker; unknown ones get theirs in alphabetical order."""
    families = list(families)
    unknown = sorted(set(families) - set(LOOKS))
    drawn = {family: OTHERS[i % len(OTHERS)] for i, family in enumerate(unknown)}
    return {family: LOOKS.get(family) or drawn[family] for family in families}
