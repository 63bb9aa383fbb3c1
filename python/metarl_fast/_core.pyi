# The compiled core. Arrays are C-ordered and of exactly the dtype named: the package's Python side converts
# and checks beforehand. N tasks, S states, A actions, K outcomes, E episodes, P policies, as there.

import enum
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeAlias, TypeVar, overload, type_check_only

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Never

_Progress: TypeAlias = Callable[[int, int], Any] | None

# The metaclass that pybind11 gives to its classes.
@type_check_only
class _Pybind11Type(type): ...

# --- bind_tasks.cpp ---

class TaskIds(metaclass=_Pybind11Type):
    def __init__(self, first: int, count: int, list: NDArray[np.uint64] | None) -> None: ...

class TaskBatch(metaclass=_Pybind11Type):
    # Made by `stored_tasks` and `generate` only.
    def __init__(self, *args: Never, **kwargs: Never) -> None: ...
    @property
    def num_tasks(self) -> int: ...
    @property
    def num_states(self) -> int: ...
    @property
    def num_actions(self) -> int: ...
    @property
    def num_outcomes(self) -> int: ...
    @property
    def dense(self) -> bool: ...
    @property
    def by_rejection(self) -> bool: ...  # of proposed next states
    @property
    def needs_rows(self) -> bool: ...  # to learn: else they are drawn from without being written out
    @property
    def episodes_per_segment(self) -> int: ...  # 0: tasks do not change
    @property
    def masked(self) -> bool: ...  # some actions may not be available
    @property
    def reward_noise(self) -> float: ...  # the largest of any task

def stored_tasks(
    ids: TaskIds,
    probability: NDArray[np.float64],  # [N, S, A, S], or [N, S, A, K] with next_state
    next_state: NDArray[np.int32] | None,  # [N, S, A, K]
    reward: NDArray[np.float64],  # [N, S, A], or [N, S, A, K] with next_state
    terminated: NDArray[np.uint8] | None,  # [N, S, A, K] with next_state
    terminal: NDArray[np.uint8],  # [S] or [N, S]
    start: NDArray[np.float64],  # [S] or [N, S]
    scale: NDArray[np.float64] | None,  # [N, S, A]: outcomes are drawn by rejection
    reward_noise: NDArray[np.float64],  # [] or [N]
    masked: bool,  # some actions may not be available: their rows are 0
) -> TaskBatch: ...
def accept(  # changes the arrays in place; whether some actions are not available
    probability: NDArray[np.float64],  # [N, S, A, S], or [N, S, A, K] with next_state
    next_state: NDArray[np.int32] | None,
    reward: NDArray[np.float64],
    terminated: NDArray[np.uint8] | None,
    terminal: NDArray[np.uint8],  # [S] or [N, S]
    start: NDArray[np.float64],  # [S] or [N, S]
    infer_terminal: bool,  # of outcome lists, into [N, S]
) -> bool: ...
def materialise(
    batch: TaskBatch,
    probability: NDArray[np.float64] | None,
    next_state: NDArray[np.int32] | None,
    reward: NDArray[np.float64] | None,
    terminated: NDArray[np.uint8] | None,
    terminal: NDArray[np.uint8] | None,
    start: NDArray[np.float64] | None,
    scale: NDArray[np.float64] | None,
    reward_noise: NDArray[np.float64] | None,
    num_threads: int,
) -> None: ...

# --- bind_families.cpp ---

# Parameters are those that `parameters` names in the family's file in cpp/families, all by keyword: numbers,
# words, and arrays of exactly the type.
class Family(metaclass=_Pybind11Type):
    def __init__(self, *args: Never, **parameters: Any) -> None: ...

class AnyMdp(Family): ...
class BernoulliBandit(Family): ...
class BernoulliRewards(Family): ...
class BlockMdp(Family): ...
class Darkroom(Family): ...
class DeepSea(Family): ...
class DependentBandit(Family): ...
class Drifting(Family): ...
class Driving(Family): ...
class FamilyPart(Family): ...
class GoalGrid(Family): ...
class GridWorld(Family): ...
class HiddenParameter(Family): ...
class InformativeBandit(Family): ...
class KeyToDoor(Family): ...
class LinearBandit(Family): ...
class LowRank(Family): ...
class LpgGrid(Family): ...
class Maze(Family): ...
class Mixture(Family): ...
class Permuted(Family): ...
class Perturbed(Family): ...
class RiverSwim(Family): ...
class SameTask(Family): ...
class Seasonal(Family): ...
class Shaped(Family): ...
class Slippery(Family): ...
class Spliced(Family): ...
class StoredFamily(Family): ...
class Switching(Family): ...
class TaskDistribution(Family): ...
class TimeInState(Family): ...
class TwoStep(Family): ...
class WithRewards(Family): ...
class WithStart(Family): ...

def key_of_part(key: int, part: int) -> int: ...
def generate(family: Family, key: int, ids: TaskIds) -> TaskBatch: ...

# --- bind_train.cpp ---

class Behaviour(enum.Enum):
    __pybind11_native_enum__: object
    uniform = 0
    epsilon_greedy = 1
    softmax = 2

class Traces(enum.Enum):
    __pybind11_native_enum__: object
    replacing = 0
    accumulating = 1

class Learner(metaclass=_Pybind11Type):
    # Made as one of the classes below; parameters are keywords, named in the learner's file.
    def __init__(self, *args: Never, **parameters: Any) -> None: ...
    @property
    def tasks_at_once(self) -> int: ...  # of one thread
    def carried(  # tables, tables of visits, and traces; no tables: it cannot be continued
        self, num_states: int, num_actions: int, continuing: bool
    ) -> tuple[int, int, int]: ...
    def scratch(  # bytes that one thread takes
        self,
        batch: TaskBatch,
        num_tasks: int,  # or runs
        num_episodes: int,
        num_steps: int,
        continuing: bool,
        mean_returns: bool,
        bytes_of_real: int,
    ) -> float: ...

class TdLearner(Learner):
    def __init__(
        self,
        rule: str,
        behaviour: Behaviour,
        exploration: NDArray[np.float64],  # epsilon or temperature of the first episodes; the last one holds
        learning_rate: float,
        learning_rate_decay: float,
        discount: float,
        initial_visits: float,
        trace_decay: float,
        traces: Traces,
        bonus: float,
        bonus_episodes: int,  # 0: it does not fade
        sees_reset: bool = False,
        learning_rates: NDArray[np.float64] | None = None,  # [S, A], in place of learning_rate
    ) -> None: ...

class Disturbed(Learner):  # another learner, of whose actions random ones take the place
    def __init__(self, of: Learner, clean: float, most: float) -> None: ...

class OneByOne(Learner):  # agents of any learner, in place of what else it runs
    def __init__(self, of: Learner) -> None: ...

def relabel_float32(
    batch: TaskBatch,
    learner: Learner,
    key: int,
    initial_table: NDArray[np.float32],  # [S, A] or [N, S, A]
    history: dict[str, NDArray[Any]],  # of cpp/history.hpp, by name; read alone
    label: NDArray[np.float32],  # [N, T, A]
    num_threads: int,
    progress: _Progress,
) -> None: ...
def train_float32(
    batch: TaskBatch,
    learner: Learner,
    key: int,
    num_episodes: int,
    num_steps: NDArray[np.int64],  # [] or [N]
    continuing: bool,
    initial_table: NDArray[np.float32],  # [S, A] or [N, S, A]; F for S where a learner has features
    q_table: NDArray[np.float32] | None,  # [N, S, A]
    policy: NDArray[np.int32] | None,  # [N, S]
    returns: NDArray[np.float64] | None,  # [N, E]
    return_sums: NDArray[np.float64] | None,  # [shards of TASKS_PER_SHARD tasks, E]
    snapshots: NDArray[np.float32] | None,  # [N, len(snapshot_episodes), S, A]
    snapshot_episodes: NDArray[np.int64],
    num_threads: int,
    progress: _Progress,
    num_runs: int = 1,
    first_episode: int = 0,  # those before it were another run's
    before: dict[str, NDArray[Any]] = ...,  # of cpp/carried.hpp, by name; {} for a run of its own
    after: dict[str, NDArray[Any]] = ...,
    history: dict[str, NDArray[Any]] = ...,  # of cpp/history.hpp, by name; {} for none
) -> None: ...
def relabel_float64(
    batch: TaskBatch,
    learner: Learner,
    key: int,
    initial_table: NDArray[np.float64],  # [S, A] or [N, S, A]
    history: dict[str, NDArray[Any]],  # of cpp/history.hpp, by name; read alone
    label: NDArray[np.float32],  # [N, T, A]
    num_threads: int,
    progress: _Progress,
) -> None: ...
def train_float64(
    batch: TaskBatch,
    learner: Learner,
    key: int,
    num_episodes: int,
    num_steps: NDArray[np.int64],  # [] or [N]
    continuing: bool,
    initial_table: NDArray[np.float64],
    q_table: NDArray[np.float64] | None,
    policy: NDArray[np.int32] | None,
    returns: NDArray[np.float64] | None,
    return_sums: NDArray[np.float64] | None,
    snapshots: NDArray[np.float64] | None,
    snapshot_episodes: NDArray[np.int64],
    num_threads: int,
    progress: _Progress,
    num_runs: int = 1,
    first_episode: int = 0,
    before: dict[str, NDArray[Any]] = ...,
    after: dict[str, NDArray[Any]] = ...,
    history: dict[str, NDArray[Any]] = ...,
) -> None: ...

# --- bind_histories.cpp ---

def find_endings(
    terminated: NDArray[np.bool_],  # [N, T]
    truncated: NDArray[np.bool_],  # [N, T]
    length: NDArray[np.int64],  # [N]
    num_threads: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]: ...  # places in [N, T], [N + 1] how many before each task
def cut_contexts(
    copied: list[tuple[NDArray[Any], NDArray[Any]]],  # [N, T] and [B, C] of one type, the states first
    best: NDArray[Any],  # [N, S], uint8, uint16 or uint32
    optimal_action: NDArray[Any],  # [B, C], the same
    ends: NDArray[np.int64],  # steps that end an episode, as places in [N, T]
    ends_before: NDArray[np.int64],  # [N + 1] how many are those of the tasks before each
    every: int,
    episode: NDArray[np.int32],  # [B, C]
    mask: NDArray[np.bool_],  # [B, C]
    task: NDArray[np.int64],  # [B] rows of the pieces,
    start: NDArray[np.int64],  # [B] where each begins
    length: NDArray[np.int64],  # [B] and how long it is
    num_threads: int,
) -> None: ...

# --- bind_gradients.cpp ---

def replay(
    learner: Learner,
    history: dict[str, NDArray[Any]],  # of cpp/history.hpp, by name
    initial_table: NDArray[np.float64],  # [S, A] or [N, S, A]
    learning_rates: NDArray[np.float64] | None,
    fresh: dict[str, NDArray[Any]],
    cotangents: NDArray[np.float64] | None,
    worth: NDArray[np.float64] | None,  # [N, T]
    q_table: NDArray[np.float64] | None,
    loss: NDArray[np.float64] | None,
    of_initial: NDArray[np.float64] | None,
    of_rates: NDArray[np.float64] | None,
    num_threads: int,
    progress: _Progress,
) -> None: ...
def policy_gradient(
    batch: TaskBatch,
    discount: float,
    horizon: NDArray[np.int64] | None,  # [N]
    preferences: NDArray[np.float64],  # [N or 1, S, A]
    direction: NDArray[np.float64] | None,  # [N or 1, S, A]
    returns: NDArray[np.float64],  # [N]
    gradient: NDArray[np.float64],  # [N, S, A]
    product: NDArray[np.float64] | None,  # [N, S, A]
    num_threads: int,
    progress: _Progress,
) -> None: ...
def replay_linear(
    learner: Learner,  # a LinearLearner with features
    history: dict[str, NDArray[Any]],
    initial_table: NDArray[np.float64],  # [F, A] or [N, F, A]
    fresh: dict[str, NDArray[Any]],
    cotangents: NDArray[np.float64] | None,
    q_table: NDArray[np.float64] | None,
    loss: NDArray[np.float64] | None,
    of_initial: NDArray[np.float64] | None,
    num_threads: int,
    progress: _Progress,
) -> None: ...
def replay_scratch(num_states: int, num_actions: int, num_steps: int) -> float: ...

# --- bind_agents.cpp ---

class ActorCritic(Learner): ...
class DynaQ(Learner): ...
class LearnedPolicyGradient(Learner): ...
class MetaGradientQ(Learner): ...
class NaturalActorCritic(Learner): ...
class CommittedThompson(Learner): ...
class MixturePlanner(Learner): ...
class PosteriorPlanner(Learner): ...
class Reinforce(Learner): ...
class ThompsonSampling(Learner): ...
class TiedQLearning(Learner): ...
class UCB1(Learner): ...

class Stream(metaclass=_Pybind11Type):  # random numbers, one after the other, for whoever holds it
    def __init__(self, key: int, task: int, purpose: int) -> None: ...

class SimulatorFloat32(metaclass=_Pybind11Type):
    def __init__(self, batch: TaskBatch, stream: Stream) -> None: ...  # of one task
    def reset(self) -> int: ...
    def step(self, action: int) -> tuple[int, float, bool]: ...  # next state, reward, terminated
    @property
    def state(self) -> int: ...
    @property
    def terminated(self) -> bool: ...

class SimulatorFloat64(metaclass=_Pybind11Type):
    def __init__(self, batch: TaskBatch, stream: Stream) -> None: ...  # of one task
    def reset(self) -> int: ...
    def step(self, action: int) -> tuple[int, float, bool]: ...  # next state, reward, terminated
    @property
    def state(self) -> int: ...
    @property
    def terminated(self) -> bool: ...

class Agent(metaclass=_Pybind11Type):
    # Made by the functions below only.
    def __init__(self, *args: Never, **kwargs: Never) -> None: ...
    def begin_episode(self) -> None: ...
    def act(self, state: int) -> int: ...
    def observe(
        self, state: int, action: int, reward: float, next_state: int, terminated: bool, truncated: bool
    ) -> None: ...
    def end_episode(self) -> None: ...
    def policy(self) -> NDArray[np.float64]: ...  # [S, A]
    @property
    def q_table(self) -> NDArray[np.float64]: ...  # [S, A]

def agent_float32(
    learner: Learner,
    batch: TaskBatch,  # of one task
    initial_table: NDArray[np.float32],  # [S, A]
    stream: Stream,
) -> Agent: ...
def agent_float64(
    learner: Learner,
    batch: TaskBatch,  # of one task
    initial_table: NDArray[np.float64],  # [S, A]
    stream: Stream,
) -> Agent: ...

# --- bind_linear.cpp ---

class Features(metaclass=_Pybind11Type):
    # Made by the classes below only.
    def __init__(self, *args: Never, **kwargs: Never) -> None: ...
    @property
    def num_states(self) -> int: ...
    @property
    def num_features(self) -> int: ...
    @property
    def active(self) -> int: ...
    def lists(  # [n, K] each: which features states have, and their values
        self, states: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]: ...

class ListedFeatures(Features):
    def __init__(self, **parameters: Any) -> None: ...

class TileCoding(Features):
    def __init__(self, **parameters: Any) -> None: ...

class LinearLearner(Learner):
    def __init__(self, settings: Learner, features: Features | None) -> None: ...

# --- bind_vector.cpp ---

class Autoreset(enum.Enum):
    __pybind11_native_enum__: object
    next_step = 0
    same_step = 1
    disabled = 2

_Real = TypeVar("_Real", np.float32, np.float64)

class _VectorSimulator(Generic[_Real], metaclass=_Pybind11Type):  # no class of the core: what both share
    def __init__(self, places: int, episodes_per_task: int, stays: bool) -> None: ...
    def assign(
        self,
        places: NDArray[np.int64],
        batch: TaskBatch,
        numbers: NDArray[np.int64],
        limit: int,
        limits: NDArray[np.int64] | None,
        follows: bool,
    ) -> None: ...  # a limit of 0 is none
    def expect(
        self, places: NDArray[np.int64], batch: TaskBatch, limit: int, limits: NDArray[np.int64] | None
    ) -> None: ...
    def leave(self, places: NDArray[np.int64]) -> None: ...
    def seed(self, places: NDArray[np.int64], keys: NDArray[np.uint64]) -> None: ...
    def reset(self, places: NDArray[np.int64]) -> None: ...
    def step(
        self,
        actions: NDArray[np.int64],
        mode: Autoreset,
        states: NDArray[np.int64],
        entered: NDArray[np.int64],
        rewards: NDArray[np.float64],
        terminated: NDArray[np.bool_],
        truncated: NDArray[np.bool_],
    ) -> bool: ...  # whether an episode ended
    def step_one(
        self, place: int, action: int, mode: Autoreset
    ) -> tuple[int, float, bool, bool]: ...  # state, reward, terminated, truncated
    def rollout(
        self,
        num_steps: int,
        action: NDArray[np.int32] | None,
        probability: NDArray[np.float64] | None,
        states: NDArray[np.int32] | None,
        actions: NDArray[np.int32] | None,
        rewards: NDArray[_Real] | None,
        next_states: NDArray[np.int32] | None,
        terminated: NDArray[np.bool_] | None,
        truncated: NDArray[np.bool_] | None,
        num_threads: int,
    ) -> None: ...
    def step_some(
        self, places: NDArray[np.int64], actions: NDArray[np.int64], mode: Autoreset
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]: ...
    def draw(
        self, places: NDArray[np.int64]
    ) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]: ...  # the next number of each stream, its companion
    def available(self, states: NDArray[np.int64]) -> NDArray[np.int8]: ...  # [places, A]
    @property
    def states(self) -> NDArray[np.int64]: ...
    @property
    def numbers(self) -> NDArray[np.int64]: ...  # of the tasks
    @property
    def elapsed(self) -> NDArray[np.int64]: ...  # steps of the episode
    @property
    def over(self) -> NDArray[np.bool_]: ...
    @property
    def follows(self) -> NDArray[np.bool_]: ...  # whether places go on in the batch they were given
    def standing(self) -> NDArray[np.uint64]: ...  # [places, words]: all but the tasks
    def stand(self, standing: NDArray[np.uint64]) -> None: ...
    @property
    def expects_none(self) -> NDArray[np.bool_]: ...

class VectorSimulatorFloat32(_VectorSimulator[np.float32]): ...
class VectorSimulatorFloat64(_VectorSimulator[np.float64]): ...

# --- bind_planning.cpp ---

def policy_iteration(
    batch: TaskBatch,
    discount: float,
    values: NDArray[np.float64],  # [N, S]
    q_values: NDArray[np.float64],  # [N, S, A]
    policy: NDArray[np.int32],  # [N, S]
    returns: NDArray[np.float64],  # [N]
    iterations: NDArray[np.int64],  # [N]
    error_bound: NDArray[np.float64],  # [N]
    num_threads: int,
    progress: _Progress,
) -> None: ...
def value_iteration(
    batch: TaskBatch,
    discount: float,
    tolerance: float,
    values: NDArray[np.float64],  # [N, S]
    q_values: NDArray[np.float64],  # [N, S, A]
    policy: NDArray[np.int32],  # [N, S]
    returns: NDArray[np.float64],  # [N]
    iterations: NDArray[np.int64],  # [N]
    error_bound: NDArray[np.float64],  # [N]
    num_threads: int,
    progress: _Progress,
) -> None: ...
def modified_policy_iteration(
    batch: TaskBatch,
    discount: float,
    tolerance: float,
    sweeps: int,
    values: NDArray[np.float64],  # [N, S]
    q_values: NDArray[np.float64],  # [N, S, A]
    policy: NDArray[np.int32],  # [N, S]
    returns: NDArray[np.float64],  # [N]
    iterations: NDArray[np.int64],  # [N]
    error_bound: NDArray[np.float64],  # [N]
    num_threads: int,
    progress: _Progress,
) -> None: ...
def backward_induction(
    batch: TaskBatch,
    discount: float,
    horizon: NDArray[np.int64],  # [N]
    values: NDArray[np.float64],  # [N, S]
    q_values: NDArray[np.float64],  # [N, S, A]
    policy: NDArray[np.int32],  # [N, S]
    returns: NDArray[np.float64],  # [N]
    plan: NDArray[np.int32] | None,  # [N, longest horizon, S]
    num_threads: int,
    progress: _Progress,
) -> None: ...
def evaluate(
    batch: TaskBatch,
    discount: float,
    horizon: NDArray[np.int64] | None,  # [N]; None: for ever
    probability: NDArray[np.float64] | None,  # [N or 1, P, T, S, A]
    action: NDArray[np.int32] | None,  # [N or 1, P, T, S]; neither: uniformly random
    optimal_values: NDArray[np.float64] | None,  # [N, S], for gaps without a horizon
    values: NDArray[np.float64] | None,  # [N, P, S]
    returns: NDArray[np.float64] | None,  # [N, P]
    gaps: NDArray[np.float64] | None,  # [N, P]
    num_threads: int,
    progress: _Progress,
) -> None: ...

# --- bind_long_run.cpp ---

def average_reward(
    batch: TaskBatch,
    policy: NDArray[np.int32],  # [N, S]
    iterations: NDArray[np.int64],  # [N]
    gain: NDArray[np.float64],  # [N, 1, S]
    bias: NDArray[np.float64],  # [N, 1, S]
    recurrent_class: NDArray[np.int32],  # [N, 1, S]
    classes: NDArray[np.int32],  # [N, 1]
    returns: NDArray[np.float64],  # [N, 1]
    num_threads: int,
    progress: _Progress,
) -> None: ...
def gain_and_bias(
    batch: TaskBatch,
    probability: NDArray[np.float64] | None,  # [N or 1, P, T, S, A]
    action: NDArray[np.int32] | None,  # [N or 1, P, T, S]
    gain: NDArray[np.float64],  # [N, P, S]
    bias: NDArray[np.float64],  # [N, P, S]
    recurrent_class: NDArray[np.int32],  # [N, P, S]
    classes: NDArray[np.int32],  # [N, P]
    returns: NDArray[np.float64],  # [N, P]
    num_threads: int,
    progress: _Progress,
) -> None: ...
def occupancy(
    batch: TaskBatch,
    discount: float,
    horizon: NDArray[np.int64] | None,  # [N]
    probability: NDArray[np.float64] | None,  # [N or 1, P, T, S, A]
    action: NDArray[np.int32] | None,  # [N or 1, P, T, S]
    visits: NDArray[np.float64],  # [N, P, S, A]
    num_threads: int,
    progress: _Progress,
) -> None: ...
def long_run_occupancy(
    batch: TaskBatch,
    probability: NDArray[np.float64] | None,  # [N or 1, P, T, S, A]
    action: NDArray[np.int32] | None,  # [N or 1, P, T, S]
    visits: NDArray[np.float64],  # [N, P, S, A]
    num_threads: int,
    progress: _Progress,
) -> None: ...

# --- bind_runtime.cpp ---

TASKS_PER_SHARD: int

class Purpose(enum.IntEnum):
    __pybind11_native_enum__: object
    transitions = 0
    rewards = 1
    start = 2
    layout = 3
    learning = 4
    parts = 5
    acting = 6

def build_info() -> dict[str, Any]: ...
def most_threads() -> int: ...
def philox4x32(counter: Sequence[int], key: Sequence[int]) -> list[int]: ...
def threefry2x32(counter: Sequence[int], key: Sequence[int]) -> list[int]: ...
def xoshiro128pp(state: Sequence[int], n: int) -> NDArray[np.uint32]: ...
def stream(key: int, task: int, purpose: int, n: int) -> NDArray[np.uint32]: ...
@overload
def log(x: float) -> float: ...
@overload
def log(x: NDArray[np.float64]) -> NDArray[np.float64]: ...
@overload
def exp(x: float) -> float: ...
@overload
def exp(x: NDArray[np.float64]) -> NDArray[np.float64]: ...
@overload
def normal_quantile(p: float) -> float: ...
@overload
def normal_quantile(p: NDArray[np.float64]) -> NDArray[np.float64]: ...
