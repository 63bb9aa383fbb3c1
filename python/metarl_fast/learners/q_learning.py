"""Q-learning."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks


@dataclass(frozen=True)
class QLearning:
    """Tabular Q-learning with epsilon-greedy behaviour.

    q(s, a) moves by the learning rate towards r + discount * max_a' q(s', a'); the second term is dropped
    when the episode terminated (Watkins 1989; Sutton and Barto, 2nd ed., equation 6.8). With
    `learning_rate=1, discount=1` the update is exactly q[s, a] = r + max q[s'].

    As hyper-parameters it goes to `train`; as an object it learns step by step in `q_table`.

    Parameters
    ----------
    num_states, num_actions
        S and A.
    learning_rate
        Step size, 0 to 1.
    discount
        0 to 1.
    epsilon
        Probability of a uniformly random action in the first episode, 0 to 1; 1 is the uniform behaviour.
    epsilon_decay
        Factor on epsilon after each episode, 0 to 1.
    epsilon_min
        Epsilon never decays below this.
    learning_rate_decay
        w in min(1, learning_rate / N(s, a)^w), N counting the updates of a pair; 0 keeps the rate constant.
    initial_q
        Value of every entry at the start.

    Attributes
    ----------
    q_table : ndarray of float64, shape (S, A)
        The step-by-step learner's table. `train` does not touch it.
    """

    num_states: int
    num_actions: int
    learning_rate: float = 0.1
    discount: float = 0.95
    epsilon: float = 0.1
    epsilon_decay: float = 1.0
    epsilon_min: float = 0.0
    learning_rate_decay: float = 0.0
    initial_q: float = 0.0
    q_table: NDArray[np.float64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        s = checks.integer(self.num_states, "num_states", 1, 2**31 - 1)
        a = checks.integer(self.num_actions, "num_actions", 1, 2**31 - 1)
        checks.real(self.learning_rate, "learning_rate", 0.0, 1.0)
        checks.real(self.discount, "discount", 0.0, 1.0)
        checks.real(self.epsilon, "epsilon", 0.0, 1.0)
        checks.real(self.epsilon_decay, "epsilon_decay", 0.0, 1.0)
        checks.real(self.epsilon_min, "epsilon_min", 0.0, 1.0)
        checks.real(self.learning_rate_decay, "learning_rate_decay", 0.0)
        checks.real(self.initial_q, "initial_q")
        checks.memory(s * a * 8, f"a q_table of {s} states and {a} actions")
        object.__setattr__(self, "q_table", np.full((s, a), float(self.initial_q)))

    def epsilons(self, num_episodes: int) -> NDArray[np.float64]:
        """Return epsilon in each of `num_episodes` episodes."""
        count = checks.integer(num_episodes, "num_episodes", 0)
        checks.memory(2 * 8 * count, f"the epsilons of {count} episodes")
        factors = np.full(count, float(self.epsilon_decay))
        factors[:1] = self.epsilon
        return np.maximum(np.multiply.accumulate(factors), min(self.epsilon_min, self.epsilon))

    def update(
        self, state: int, action: int, reward: float, next_state: int, terminated: bool = False
    ) -> None:
        """Learn from one transition, at the constant learning rate; `terminated` if it ended the episode.

        Raises
        ------
        ValueError, TypeError
            For states and actions out of range, or a reward that is not finite.
        """
        checks.integer(state, "state", 0, self.num_states - 1)
        checks.integer(action, "action", 0, self.num_actions - 1)
        checks.integer(next_state, "next_state", 0, self.num_states - 1)
        checks.real(reward, "reward")
        ahead = 0.0 if terminated else self.discount * self.q_table[next_state].max()
        rate = self.learning_rate
        self.q_table[state, action] = (1.0 - rate) * self.q_table[state, action] + rate * (reward + ahead)

    def get_policy(self) -> NDArray[np.int64]:
        """Return the first best action of each state, shape [S]."""
        return np.asarray(self.q_table.argmax(axis=1), dtype=np.int64)
