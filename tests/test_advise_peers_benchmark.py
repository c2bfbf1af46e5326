"""What is told of Optuna and FLAML beside advice."""

from typing import Any

from benchmarks.advise_peers_table import Peer, report
from benchmarks.advise_table import Advised
from sizewise.records import ERROR, Measure

NUMBER = Measure("mean absolute error", "", 0.02, relative=True)


def found(data: str, tool: str, **more: Any) -> Peer:
    row: dict[str, Any] = {
        **{"data": data, "tool": tool, "minutes": 5.0, "seconds": 306.0, "measure": ERROR},
        **{"chosen": "cnn", "size": 52_924, "told": 0.10, "test": 0.11, "fresh": (0.12, 0.002)},
        **{"trials": 40, "pruned": 30},
    }
    return Peer(**(row | more))


def cells(peers: list[Peer], *advised: Advised) -> list[list[str]]:
    """Return the rows of the table, without its head."""
    (table,) = (each for each in report(peers, advised) if each.startswith("| set"))
    return [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]


def test_a_network_is_told_with_its_parameters_and_by_how_much_it_was_late() -> None:
    (row,) = cells([found("shapes", "Optuna")])
    assert row[:5] == ["shapes", "Optuna", "5 min", "306 (102%)", "6.0 s"]
    assert row[5:8] == ["40, 30 stopped early", "cnn", "52.9k parameters"]
    assert row[8:] == ["10.00%", "11.00%", "12.00% ± 0.20%"]


def test_an_estimator_is_told_with_its_bytes_and_is_not_early_by_less_than_nothing() -> None:
    more = {"measure": NUMBER, "chosen": "lgbm", "size": 118_282, "seconds": 150.0, "pruned": 0}
    (row,) = cells([found("numbers", "FLAML", told=1.0, test=1.25, fresh=(1.5, 0.01), **more)])
    assert row[3:8] == ["150 (50%)", "0.0 s", "40", "lgbm", "118 kB"]
    assert row[8:] == ["1", "1.25", "1.5 ± 0.01"]


def test_advice_stands_before_what_has_searched_the_same_set() -> None:
    line = {
        **{"step": "classes-5min", "data": "classes", "minutes": 5.0, "seconds": 290.0},
        **{"family": "mlp", "parameters": 1234, "measure": ERROR, "stated": 0.10, "low": 0.08},
        **{"high": 0.12, "fresh": [0.11, 0.001], "forecasts": [], "runs": 9, "follows": True},
        "said": "mlp is enough.",
    }
    ours, elsewhere = Advised.of(line), Advised.of(line | {"data": "chirps"})
    peers = [found("shapes", "Optuna"), found("classes", "Optuna"), found("classes", "FLAML")]
    rows = cells(peers, elsewhere, ours)
    named = [(row[0], row[1]) for row in rows]
    assert named[0] == ("shapes", "Optuna")
    assert named[1:] == [("classes", each) for each in ("**sizewise**", "Optuna", "FLAML")]
    assert rows[1][3:8] == ["290 (97%)", "0.0 s", "9", "mlp", "1.23k parameters"]
    assert rows[1][8:] == ["10.00% [8.00%, 12.00%]", "10.00%", "11.00% ± 0.10%"]
