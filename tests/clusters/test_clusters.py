"""Clusters of the libraries' own, of which a machine dies in the middle: the bits are as of a serial run."""

from __future__ import annotations

import hashlib
import os
import signal
import tempfile

import pytest

import metarl_fast as mf
from metarl_fast.distributed import dask_executor, ray_executor

# What the libraries warn of is theirs.
pytestmark = pytest.mark.filterwarnings("ignore")

LEARNER = mf.QLearning(epsilon=0.2)
TASKS = mf.GoalGrid(5, slip=0.1, horizon=30).sample(8 * 1024, rng=0)


# How soon Ray notices that a node is dead.
QUICK = {
    "health_check_initial_delay_ms": 500,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 2000,
    "health_check_failure_threshold": 2,
}


def digest(executor=None, progress=None):
    run = mf.train(
        LEARNER, TASKS, 300, rng=1, returns=False, mean_returns=True, executor=executor, progress=progress
    )
    assert run.state.num_episodes == 300
    return hashlib.sha256(run.q_table.tobytes() + run.mean_returns.tobytes()).hexdigest()


@pytest.fixture(scope="module")
def expected():
    return digest()


@pytest.fixture
def own_folders(monkeypatch, tmp_path_factory):
    """A home without other clusters' keys, and a folder whose name is short enough for a socket's."""
    home = tmp_path_factory.mktemp("h")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with tempfile.TemporaryDirectory(prefix="r", dir="/tmp", ignore_cleanup_errors=True) as short:
        monkeypatch.setenv("RAY_TMPDIR", short)
        yield


def test_a_node_of_a_ray_cluster_dies(own_folders, expected):
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "include_dashboard": False, "_system_config": QUICK},
    )
    try:
        second = cluster.add_node(num_cpus=1)
        ray.init(address=cluster.address, log_to_driver=False)
        executor = ray_executor()
        assert executor.in_flight == 4
        killed = []

        def kill(done, _):
            if not killed and done >= 1024:
                killed.append(done)
                cluster.remove_node(second, allow_graceful=False)

        assert digest(executor, kill) == expected
        assert killed
    finally:
        ray.shutdown()
        cluster.shutdown()


def test_a_worker_of_a_dask_cluster_dies(expected):
    distributed = pytest.importorskip("dask.distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        executor = dask_executor(client)
        assert executor.in_flight == 4
        killed = []

        def kill(done, _):
            if not killed and done >= 1024:
                killed.append(done)
                worker = next(iter(cluster.workers.values()))
                os.kill(worker.pid, signal.SIGKILL)

        assert digest(executor, kill) == expected
        assert killed
