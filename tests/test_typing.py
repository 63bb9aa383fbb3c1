"""What users' type checkers and Tab keys see: results without guards, public names alone."""

import subprocess
import sys

import numpy as np
import pytest

import metarl_fast as mf
from building import needs
from metarl_fast.listing import concrete
from metarl_fast.result import Result

PROGRAM = """
import metarl_fast as mf

tasks = mf.TaskDistribution(4, 2).sample(3, rng=0)
learner = mf.QLearning(4, 2)
run = mf.train(learner, tasks, 3, 5, rng=0, mean_returns=True, snapshot_episodes=[0, 3])
print(run.q_table.shape, run.policy.shape, run.returns.sum(), run.mean_returns.max(), run.snapshots.dtype)
print(mf.value_iteration(tasks).error_bound.max(), mf.policy_iteration(tasks).info.iterations)
print(mf.policy_evaluation(tasks, run.policy).returns.mean(), mf.bounds(tasks).gap.min())
curve = mf.adapt(learner, tasks, [0, 1], num_steps=5, rng=0)
print(curve.interval().mean.tolist(), curve.scores.mean(), curve.returns.shape)
found = mf.compare({"a": learner, "b": [learner, learner]}, tasks, [0, 1], num_steps=5, rng=0)
print(found.scores["b"].shape, found.interval("a").mean.sum(), found.difference("a", "b").low.max())
tuned = mf.tune(learner, tasks, num_candidates=2, num_tasks=3, episodes=[1], num_steps=5, rng=0)
print(tuned.learner.discount, tuned.num_episodes)
task: mf.Task = tasks[0]
print(task.transitions.sum(), task.num_states, task.num_actions, tasks.num_states)
"""


@needs("mypy")
def test_results_need_no_guards(tmp_path):
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    exec(compile(PROGRAM, str(file), "exec"), {})  # what type-checks also runs
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", str(file)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


def test_tab_shows_public_names_alone():
    assert dir(mf) == mf.__all__ == sorted(set(mf.__all__))
    assert not [name for name in mf.__all__ if name.startswith("_") and name != "__version__"]
    assert {"Learner", "QLearning", "TaskDistribution", "train", "adapt", "Tasks"} <= set(mf.__all__)


@pytest.mark.parametrize("kind", concrete(vars(mf), Result), ids=lambda kind: kind.__name__)
def test_results_are_shown_in_a_line(kind):
    tasks = mf.TaskDistribution(4, 2).sample(3, rng=0)
    curve = mf.adapt(mf.QLearning(4, 2), tasks, [0, 1], num_steps=5, rng=0)
    made = [
        mf.train(mf.QLearning(4, 2), tasks, 3, 5, rng=0),
        mf.backward_induction(tasks, 3),
        solved := mf.value_iteration(tasks),
        solved.info,
        mf.average_reward(tasks),
        mf.dynamic_regret(tasks, np.zeros(4, int), 2),
        mf.gain_and_bias(tasks, np.zeros(4, int)),
        mf.policy_evaluation(tasks, np.zeros(4, int)),
        mf.bounds(tasks),
        curve,
        curve.interval(),
        mf.compare({"a": mf.QLearning(4, 2)}, tasks, [0, 1], num_steps=5, rng=0),
        mf.tune(mf.QLearning(), tasks, num_candidates=2, num_tasks=3, episodes=[1], num_steps=5, rng=0),
        trials := mf.train(mf.QLearning(), mf.TwoStep().sample(2, rng=0), 3, rng=0, record=True).history,
        mf.stay_probabilities(trials),
        mf.replay_gradient(mf.QLearning(5, 2), trials, fresh=trials),
        mf.policy_gradient(tasks, np.zeros((4, 2))),
        mf.describe(tasks, horizon=5),
        mf.diagnose(tasks, num_tasks=[1], episodes=[1], num_splits=2, training_episodes=1, num_steps=2),
        mf.Histories(mf.QLearning(), tasks, 2, 5)[0],
        mf.act_in_context(mf.QLearning(), tasks, 2, 5),
        next(mf.Histories(mf.QLearning(), tasks, 2, 5).episodes(2, 2)),
        next(mf.Histories(mf.QLearning(), tasks, 2, 5).queries(2, 2)),
        mf.estimate(mf.envs.TabularEnv(tasks[0], max_episode_steps=5), 50),
    ]
    (found,) = [result for result in made if type(result) is kind]
    text = repr(found)
    assert text.startswith(f"{kind.__name__}(")
    assert "\n" not in text
    assert len(text) < 200


def test_a_task_has_what_a_batch_has():
    of_batches = {"core", "recipe", "num_tasks", "ids"}
    public = {name for name in dir(mf.Tasks) if not name.startswith("_")} | {"horizon", "recipe"}
    task = mf.GoalGrid(4, slip=0.2).sample(rng=0)
    for name in public - of_batches:
        of_task, of_one = getattr(task, name), getattr(task.batch, name)
        if isinstance(of_one, np.ndarray):
            np.testing.assert_array_equal(of_task, of_one[0])
    assert task.outcomes["next_state"].shape == (16, 4, 3)
    assert task.materialise().transitions.tolist() == task.transitions.tolist()
