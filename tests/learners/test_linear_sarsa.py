"""SARSA on features: its twin."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from learners.test_linear_q_learning import BEHAVIOURS, OWN, assert_equals_twin
from linear_twin import LinearTwin

LEARNER = mf.LinearSarsa


class Twin(LinearTwin):
    """q(s', a')"""

    on_policy = True

    def ahead(self, next_state, learning, other):
        return learning[next_state][self.next_action]


@pytest.mark.parametrize("real", [np.float32, np.float64])
@pytest.mark.parametrize("behaviour", BEHAVIOURS.values(), ids=BEHAVIOURS)
def test_the_core_is_the_twin(behaviour, real):
    settings = {"learning_rate": 0.5, "discount": 0.7, **behaviour}
    assert_equals_twin(mf.LinearSarsa(features=OWN, **settings), real)
