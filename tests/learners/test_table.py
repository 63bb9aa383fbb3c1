"""`Table`: action values that settings can hold."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from metarl_fast.config import from_config, to_config

VALUES = np.random.default_rng(0).normal(size=(4, 3))


def test_it_holds_a_copy_that_cannot_be_written_to():
    values = VALUES.copy()
    table = mf.Table(values)
    values[:] = 0.0
    assert_same_bits(table.values, VALUES)
    for one in (table, copy.copy(table), copy.deepcopy(table), pickle.loads(pickle.dumps(table))):
        assert one == table
        with pytest.raises(ValueError, match="read-only"):
            one.values[0, 0] = 1.0
    with pytest.raises(AttributeError, match="cannot assign"):
        table.values = VALUES


def test_it_is_an_array_to_numpy():
    table = mf.Table(VALUES)
    assert_same_bits(np.asarray(table), VALUES)
    assert_same_bits(np.asarray(table, np.float32), VALUES.astype(np.float32))
    own = np.array(table)
    own[:] = 0.0
    assert_same_bits(table.values, VALUES)
    assert (table.shape, table.num_states, table.num_actions) == ((4, 3), 4, 3)


def test_tables_of_the_same_numbers_are_equal():
    table = mf.Table(VALUES)
    assert table == mf.Table(VALUES.tolist())
    assert table == mf.Table(np.asfortranarray(VALUES))
    assert table != mf.Table(VALUES + 1)
    assert table != mf.Table(VALUES[None])
    assert table != VALUES.tolist()
    signed = mf.Table([[0.0]]), mf.Table([[-0.0]])
    assert signed[0] == signed[1]
    assert hash(signed[0]) == hash(signed[1])
    assert len({table, mf.Table(VALUES), mf.Table(VALUES[::-1])}) == 2


def test_it_is_shown_in_a_line():
    assert repr(mf.Table([[1.0, -np.inf], [0.5, 2.0]])) == "Table(shape=(2, 2), 0.5 to 2)"
    assert repr(mf.Table(np.zeros((0, 2, 3)))) == "Table(shape=(0, 2, 3))"


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        (5.0, ValueError, r"values has shape \(\), expected \(S, A\) or \(N, S, A\)"),
        (np.zeros(3), ValueError, r"values has shape \(3,\)"),
        (np.zeros((0, 3)), ValueError, r"values has shape \(0, 3\)"),
        (np.zeros((2, 3, 0)), ValueError, r"values has shape \(2, 3, 0\)"),
        ([[np.nan, 1.0]], ValueError, r"values\[0, 0\] is nan"),
        ([[1.0, np.inf]], ValueError, r"values\[0, 1\] is inf"),
        ([[1.0, 2.0], [-np.inf, -np.inf]], ValueError, r"values\[1, 0\] is -inf"),
        ([["a"]], TypeError, "values has dtype <U1"),
        ([[1.0], [2.0, 3.0]], ValueError, "values is not a rectangular array"),
    ],
)
def test_what_is_no_table_is_refused(values, error, message):
    with pytest.raises(error, match=message):
        mf.Table(values)


def test_small_ones_go_to_a_file_of_settings_and_others_are_refused():
    assert from_config(to_config(mf.Table(VALUES))) == mf.Table(VALUES)
    with pytest.raises(TypeError, match=r"Table\(shape=\(40, 30\).* more than 1000 numbers"):
        to_config(mf.QLearning(initial_q=mf.Table(np.zeros((40, 30)))))
    with pytest.raises(TypeError, match="holds -inf"):
        to_config(mf.Table([[0.0, -np.inf]]))
