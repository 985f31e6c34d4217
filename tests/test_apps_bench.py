"""The benchmark's arithmetic; the measurement itself is `limner bench chat`."""

import pytest

from apps.bench import percentile, summary


def test_percentiles_are_of_the_values_themselves() -> None:
    values = list(range(100, 0, -1))
    assert percentile(values, 0.95) == 95
    assert percentile(values, 0) == 1 and percentile(values, 1) == 100
    assert percentile([7.0], 0.95) == 7.0


def test_a_summary_has_count_median_tail_and_worst() -> None:
    assert summary([1, 2, 3, 4, 100]) == {"n": 5, "p50": 3, "p95": 100, "worst": 100}
    assert summary([]) == {"n": 0}


@pytest.mark.parametrize("share", [0.0, 0.5, 0.95, 1.0])
def test_percentiles_do_not_depend_on_order(share: float) -> None:
    assert percentile([3, 1, 2], share) == percentile([1, 2, 3], share)
