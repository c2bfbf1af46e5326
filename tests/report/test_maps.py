"""Pictures of maps."""

import numpy as np
import pytest

from sizewise.report.figures import write_figures
from sizewise.report.maps import draw_columns, draw_image, draw_sequence


def test_a_large_image_is_drawn_in_blocks_with_its_map_beside_it() -> None:
    image, looked = np.zeros((3, 130, 100)), np.zeros((130, 100))
    image[0, :, 50:], looked[:65] = 1.0, 3.0
    (rows,) = draw_image("large", "a caption", image, looked).data.values()
    assert len(rows) == 43 * 33
    first, last = rows[0], rows[-1]
    assert (first["colour"], first["weight"]) == ("#000000", 1)
    assert (last["colour"], last["weight"]) == ("#ff0000", 0)


def test_what_speaks_against_is_drawn_in_another_colour() -> None:
    values, looked = np.zeros((2, 5)), np.array([0, 1.0, -2.0, 0, 0])
    signed = draw_sequence("signed", "", values, looked)
    assert [row["weight"] for row in signed.data["shade"]] == [0, 0.5, -1, 0, 0]
    assert "#d55e00" in str(signed.spec)
    assert "#d55e00" not in str(draw_sequence("plain", "", values, np.abs(looked)).spec)


def test_attention_of_long_sequences_is_not_drawn() -> None:
    few, many = (
        draw_sequence("a", "", np.ones((1, n)), np.ones(n), attention=np.eye(n)) for n in (20, 200)
    )
    assert len(few.data["attention"]) == 400
    assert "attention" not in many.data


def test_columns_are_drawn(tmp_path_factory: pytest.TempPathFactory) -> None:
    chart = draw_columns("row", "why", ["age", "plan=gold"], np.array([0.5, -1]))
    files = write_figures([chart], tmp_path_factory.mktemp("figures") / "new")
    assert [each.name for each in files] == ["row.png", "row.svg"]
    assert "plan=gold" in files[1].read_text()
