import pytest

from sizewise.errors import nearest


@pytest.mark.parametrize(
    ("word", "phrase"),
    [
        ("lstn", "did you mean lstm? (there are: cnn, gru, lstm)"),
        ("LSTM", "there are: cnn, gru, lstm"),
        ("transformer", "there are: cnn, gru, lstm"),
    ],
)
def test_the_nearest_name_leads_the_sorted_candidates(word: str, phrase: str) -> None:
    assert nearest(word, ["lstm", "gru", "cnn"]) == phrase
