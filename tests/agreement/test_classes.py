"""Classes of step functions against least squares as NumPy solves them."""

import numpy as np
import pytest

from vis.concepts.classes import MOST, POINTS, best, distance, equal, nested, target


@pytest.mark.parametrize("cuts", [equal, nested])
@pytest.mark.parametrize("pieces", range(1, MOST + 1))
def test_the_best_function_of_a_class_is_the_solution_of_least_squares(cuts, pieces):
    f, t = target().numpy(), (np.arange(POINTS) + 0.5) / POINTS
    known = cuts(pieces)
    assert len(known) == pieces - 1
    piece = np.searchsorted([float(cut) for cut in known], t)
    columns = (piece[:, None] == np.arange(pieces)).astype(float)
    solution, residual, *_rest = np.linalg.lstsq(columns, f, rcond=None)
    found = best(target(), known)
    np.testing.assert_allclose(found, columns @ solution, atol=1e-12)
    assert distance(target(), found) == pytest.approx((residual[0] / POINTS) ** 0.5)


def test_nested_classes_never_get_worse_and_others_do():
    sizes = range(1, MOST + 1)
    errors = {cuts: [distance(target(), best(target(), cuts(n))) for n in sizes] for cuts in (equal, nested)}
    assert all(set(nested(n)) < set(nested(n + 1)) for n in range(1, MOST))
    assert np.diff(errors[nested]).max() <= 0
    assert errors[equal][2] > 1.5 * errors[equal][1]  # three pieces, and two
    assert (np.diff(errors[equal]) > 0).sum() >= 3
