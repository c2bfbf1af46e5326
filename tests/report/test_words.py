from sizewise.report.words import factor


def test_a_factor_below_one_is_no_nothing() -> None:
    assert [factor(each) for each in (0.042, 0.5, 3.21, 64.4)] == ["0.042×", "0.5×", "3.2×", "64×"]
