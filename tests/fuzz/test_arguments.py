"""Hostile arguments: every public call works, or refuses by a standard exception that a person can read."""

import dataclasses
import inspect
import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import metarl_fast as mf
from fuzz.campaign import examples
from fuzz.hostile import NO_TASKS, calls, values
from metarl_fast.listing import concrete
from metarl_fast.result import Result

STANDARD = (ValueError, TypeError, MemoryError, IndexError, OSError, ImportError)
FOREIGN = ("pybind", "incompatible function arguments", "std::", "bad_alloc", "_core.")
LONGEST_MESSAGE = 600


def readable(error):
    """What a person needs: some text, not a page of it, none of it about our insides."""
    text = str(error)
    assert 0 < len(text) < LONGEST_MESSAGE, f"{type(error).__name__} of {len(text)} characters: {text[:200]}"
    assert not [word for word in FOREIGN if word in text], text


def holds_nan(found):
    """Whether a result holds a NaN that the library made."""
    if dataclasses.is_dataclass(found):
        return any(holds_nan(getattr(found, f.name, None)) for f in dataclasses.fields(found))
    return isinstance(found, np.ndarray) and found.dtype.kind == "f" and bool(np.isnan(found).any())


@pytest.fixture
def call(name):
    """A function and good arguments, once for all examples: to build them takes longer than to call one."""
    return calls()[name]


@pytest.mark.parametrize("name", sorted(calls()))
@examples(20)
@given(data=st.data())
def test_calls_work_or_refuse(name, call, data):
    function, good = call
    spoilt = data.draw(st.lists(st.sampled_from(sorted(good)), min_size=1, max_size=2, unique=True))
    arguments = {**good, **{argument: data.draw(values, label=argument) for argument in spoilt}}
    if name.endswith(".fit") or name in (
        "train",
        "adapt",
        "compare",
        "diagnose",
        "tune",
        "backward_induction",
        "policy_evaluation",
    ):
        # A long job is no fault. What would take long is kept out, what would take memory is not.
        for argument in (
            "num_episodes",
            "num_steps",
            "num_iterations",
            "num_splits",
            "num_held_out",
            "training_episodes",
        ):
            given_value = arguments.get(argument, 0)
            if isinstance(given_value, (int, np.integer)) and 1000 < given_value < 2**40:
                arguments[argument] = good[argument]
        if isinstance(arguments.get("num_tasks"), int) and arguments["num_tasks"] > 1000:
            arguments["num_tasks"] = good["num_tasks"]  # each is met once, in little memory
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            found = function(**arguments)
            if isinstance(found, (mf.Tasks, mf.Task)):
                repr(found)
        except STANDARD as error:
            readable(error)
            return
    no_tasks = arguments.get("tasks") is NO_TASKS  # of which there is no mean
    if name not in ("score", "adapt", "bootstrap_mean", "Tasks.__getitem__") and not no_tasks:
        assert not holds_nan(found), found


def test_every_public_function_is_tried():
    """What is added to the package is added to the campaign."""
    tried = {name.split(".", 1)[0] for name in calls()}
    results = {kind.__name__ for kind in concrete(vars(mf), Result)}
    others = {"Learner", "Meta", "MdpFile", "TdLearner", "Anywhere", "Family", "FrozenLakeMaps", "build_info"}
    others |= {"Blackjack", "Features", "FixedTask", "LinearLearner", "TdSettings", "PolicyGradientLearner"}
    missing = {
        name for name in mf.__all__ if callable(getattr(mf, name)) and name not in tried | results | others
    }
    assert not missing, missing


def test_the_law_of_messages_can_fail():
    with pytest.raises(AssertionError):
        readable(ValueError("_core.train_float32(): incompatible function arguments"))
    with pytest.raises(AssertionError):
        readable(ValueError(""))
    assert holds_nan(mf.Interval(np.array([math.nan]), np.zeros(1), np.zeros(1)))
    assert inspect.isfunction(readable)
