"""The temporal-difference learners in plain Python, but for what each rule says of itself (tests/learners).

Equal to the core bit for bit; one function an equation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from metarl_fast import Table
from reference import below, portable_exp, portable_log, sample, unit_53

# --- behaviour ---


def uniform_action(actions, y):
    return actions[below(y, len(actions))]


def available_actions(h):
    """Those whose value is not -infinity."""
    return [a for a, value in enumerate(h) if value > -math.inf]


def greedy_action(h, y):
    return uniform_action([a for a, value in enumerate(h) if value == max(h)], y)


def greedy_value(q, h, bonus):
    """What the greedy actions are worth. Without a bonus that is one number; a mean of it might round."""
    return mean([value for value, p in zip(q, h, strict=True) if p == max(h)]) if bonus else max(q)


def bonus_scale(learner, episode, real):
    """b max(0, 1 - e/n), or b."""
    n = learner.bonus_episodes
    return real(learner.bonus if n is None else learner.bonus * max(0.0, 1.0 - episode / n))


def with_bonus(q, visits, scale):
    """h(a) = q(a) + scale / sqrt(N(a) + 1), given N(a) + 1."""
    real = type(scale)
    return [value + scale / real(math.sqrt(n)) for value, n in zip(q, visits, strict=True)]


@dataclass
class Uniform:
    """Every action alike; what they are worth does not matter."""

    def choose(self, h, x, y):
        return uniform_action(available_actions(h), y)

    def expected(self, q, h, bonus):
        return mean_of_available(q)


@dataclass
class EpsilonGreedy:
    """Epsilon counts in steps of 2^-31 when choosing, and in the type of the tables when expecting."""

    epsilon: float

    def choose(self, h, x, y):
        explores = x >> 1 < int(self.epsilon * 2.0**31 + 0.5)
        return uniform_action(available_actions(h), y) if explores else greedy_action(h, y)

    def expected(self, q, h, bonus):
        real = type(q[0])
        epsilon = real(self.epsilon)
        return epsilon * mean_of_available(q) + (real(1) - epsilon) * greedy_value(q, h, bonus)


@dataclass
class Softmax:
    """Worked out in double whatever the type of the tables."""

    temperature: float

    def weights(self, h):
        largest = float(max(h))
        return [portable_exp((float(value) - largest) / self.temperature) for value in h]

    def choose(self, h, x, y):
        cumulative = list(accumulate(self.weights(h)))
        return sample(cumulative[:-1], unit_53(x, y) * cumulative[-1])

    def expected(self, q, h, bonus):
        weights = self.weights(h)
        weighted = [weights[a] * float(q[a]) for a in available_actions(q)]
        return bounded(type(q[0])(total(weighted) / total(weights)))


def total(values):
    """The sum in order. (Python's own `sum` compensates for rounding.)"""
    return list(accumulate(values))[-1]


def mean(values):
    return bounded(total(values) / type(values[0])(len(values)))


def mean_of_available(q):
    return mean([q[a] for a in available_actions(q)])


def behaviours(learner, num_episodes):
    """The behaviour in each episode."""
    if learner.temperature is not None:
        return [Softmax(temperature) for temperature in learner.temperatures(num_episodes).tolist()]
    epsilons = learner.epsilons(num_episodes).tolist()
    if all(epsilon == 1.0 for epsilon in epsilons):
        return [Uniform()] * num_episodes
    return [EpsilonGreedy(epsilon) for epsilon in epsilons]


# --- steps ---


def learning_rate(learner, state, action, visits):
    rates = learner.learning_rate
    rate = rates.values[state, action].item() if isinstance(rates, Table) else rates
    if learner.learning_rate_decay == 0.0:
        return rate
    visits += learner.initial_visits
    return min(1.0, rate * portable_exp(-learner.learning_rate_decay * portable_log(visits)))


def target_value(reward, discount, ahead, terminated):
    return bounded(reward if terminated else reward + discount * ahead)


def bounded(q):
    real = type(q)
    most = real(2.0**126) if real is np.float32 else real(2.0**1022)
    below_most = q if q < most else most  # also for NaN
    return below_most if below_most > -most else -most


def towards(q, target, rate):
    return bounded((type(rate)(1) - rate) * q + rate * target)


def first_best(q):
    return q.index(max(q))


def halved_sum(first, second):
    return [(a + b) * type(a)(0.5) for a, b in zip(first, second, strict=True)]


def fade(traces, decay):
    """Traces that are still worth something, a step later."""
    faded = {pair: trace * decay for pair, trace in traces.items()}
    return {pair: trace for pair, trace in faded.items() if trace >= 2.0**-20}


# --- what rules share ---


class OneStep:
    """A rule that moves the value of the pair just taken. It says `ahead`, and how many tables it has."""

    num_tables = 1
    on_policy = False

    def __init__(self, learner, setting):
        self.learner, self.real = learner, setting.real
        self.tables = [[list(row) for row in setting.table] for _ in range(self.num_tables)]
        self.visits = [[[0] * len(row) for row in setting.table] for _ in range(self.num_tables)]
        self.discount = setting.real(learner.discount)
        self.behaviours = behaviours(learner, setting.num_episodes)
        self.scales = [bonus_scale(learner, e, setting.real) for e in range(setting.num_episodes)]
        self.next_action = None  # chosen already
        self.second = False  # whether the second table learns

    def begin_episode(self, episode):
        self.behaviour, self.scale = self.behaviours[episode], self.scales[episode]

    def end_episode(self):
        self.next_action = None

    def values(self, state):
        """What the learner thinks of the actions in a state."""
        rows = [q[state] for q in self.tables]
        return rows[0] if len(rows) == 1 else [a + b for a, b in zip(*rows, strict=True)]

    def preferences(self, state):
        """What the behaviour goes by."""
        q = self.values(state)
        if self.learner.bonus == 0.0:
            return q
        before = self.real(1.0 + self.learner.initial_visits)
        visits = [
            total([self.real(n) for n in of_tables]) + before
            for of_tables in zip(*(visits[state] for visits in self.visits), strict=True)
        ]
        return with_bonus(q, visits, self.scale)

    def choose(self, state, stream):
        x = stream.next()
        return self.behaviour.choose(self.preferences(state), x, stream.companion)

    def act(self, state, stream):
        return self.choose(state, stream) if self.next_action is None else self.next_action

    def observe(self, state, action, reward, next_state, terminated, stream):
        if self.num_tables == 2:
            self.second = bool(stream.next() >> 31)
        learning, other = self.tables[self.second], self.tables[self.num_tables - 1 - self.second]
        visits = self.visits[self.second]
        visits[state][action] += 1
        if self.on_policy:
            self.next_action = self.choose(next_state, stream)
        target = target_value(reward, self.discount, self.ahead(next_state, learning, other), terminated)
        rate = self.real(learning_rate(self.learner, state, action, visits[state][action]))
        self.learn(learning, state, action, target, rate)

    def learn(self, q, state, action, target, rate):
        q[state][action] = towards(q[state][action], target, rate)

    def table(self):
        """What is reported."""
        if len(self.tables) == 1:
            return [list(row) for row in self.tables[0]]
        return [halved_sum(*rows) for rows in zip(*self.tables, strict=True)]

    def policy(self):
        return [first_best(self.values(state)) for state in range(len(self.visits[0]))]


class WithTraces(OneStep):
    """A rule that moves the values of all pairs on the path."""

    def __init__(self, learner, setting):
        super().__init__(learner, setting)
        self.decay = setting.real(learner.discount * learner.trace_decay)
        self.traces = {}  # of pairs (state, action)

    def end_episode(self):
        super().end_episode()
        self.traces = {}

    def cuts(self, values, action):
        """Whether an action ends the path before it."""
        return False

    def learn(self, q, state, action, target, rate):
        self.traces = {} if self.cuts(q[state], action) else fade(self.traces, self.decay)
        carried = self.real(0)
        if self.learner.trace_kind == "accumulating":
            carried = self.traces.get((state, action), carried)
        else:
            self.traces = {pair: trace for pair, trace in self.traces.items() if pair[0] != state}
        self.traces[state, action] = carried + self.real(1)
        step = rate * (target - q[state][action])
        for (s, a), trace in self.traces.items():
            q[s][a] = bounded(q[s][a] + step * trace)
