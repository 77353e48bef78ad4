"""Answers to many pictures, against the same sorted by hand."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from vis.mistakes import Answers, answers_to, joined

ANSWERS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.floats(0, 1)), min_size=1, max_size=30)


@given(ANSWERS)
def test_mistakes_and_cells_are_all_there_are_the_most_certain_first(rows):
    found = Answers(*map(np.array, zip(*rows, strict=True)))
    wrong = [n for n, (right, answer, _share) in enumerate(rows) if right != answer]
    assert found.mistakes().tolist() == sorted(wrong, key=lambda n: -rows[n][2])
    for right in range(4):
        for answer in range(4):
            cell = [n for n, row in enumerate(rows) if row[:2] == (right, answer)]
            assert found.of_cell(right, answer).tolist() == sorted(cell, key=lambda n: -rows[n][2])
    assert found.accuracy == (len(rows) - len(wrong)) / len(rows)


@torch.no_grad()
def test_batches_are_put_together_in_their_order():
    torch.manual_seed(0)
    net, images = nn.Sequential(nn.Flatten(), nn.Linear(12, 5)), torch.randn(7, 3, 2, 2)
    found = joined(range(7), [answers_to(net, images[:4]), answers_to(net, images[4:])])
    for n in range(7):
        shares = net(images[n : n + 1])[0].double().exp()
        assert found.answer[n] == int(shares.argmax())
        np.testing.assert_allclose(found.share[n], float((shares / shares.sum()).max()), rtol=1e-5)
    assert found.right.tolist() == list(range(7))
