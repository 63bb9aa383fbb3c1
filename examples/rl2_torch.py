"""Learning to reinforcement learn: a GRU with PPO
===============================================

A recurrent policy is trained on many bandits of two arms, whose chances to pay add up to 1, and then learns
in new ones with its weights as they are: what it has seen stands in its memory (Duan et al. 2016, "RL²"; Wang
et al. 2016). Trials run side by side in the core, as `TrialVectorEnv`. Needs torch and the extra `gym`.

    python examples/rl2_torch.py --iterations 200

prints what the network earns a pull in tasks that it was not trained on, beside tuned learners of bandits,
which do not know that one arm tells of the other, beside the best that anybody can do who does know it, and
beside the better arm from the first pull on. It takes less than a minute of one core.
"""

import argparse
import json
import sys

import numpy as np

import metarl_fast as mf
from metarl_fast.envs import TrialVectorEnv

try:
    import torch
    from torch import nn
except ImportError as error:
    sys.exit(f"this example needs torch: {error}")

PULLS, UNITS = 20, 32
DISCOUNT, TRACE, CLIP, EPOCHS, PARTS = 0.9, 0.95, 0.2, 4, 4
FAMILY = mf.DependentBandit(num_pulls=PULLS)


class Agent(nn.Module):
    """A GRU, from whose memory the policy and the value are read."""

    def __init__(self, seen: int, actions: int) -> None:
        super().__init__()
        self.memory = nn.GRU(seen, UNITS)
        self.policy, self.value = nn.Linear(UNITS, actions), nn.Linear(UNITS, 1)
        nn.init.zeros_(self.policy.weight)

    def forward(self, seen, memory=None):
        """Return logits [T, N, A], values [T, N] and the memory, of what is seen [T, N, D]."""
        found, memory = self.memory(seen, memory)
        return self.policy(found), self.value(found)[..., 0], memory


@torch.no_grad()
def live(agent, env, seed=None):
    """Live through a trial in every place; return what was seen, done and earned, [T, N] each."""
    now, memory, steps = env.reset(seed=seed)[0], None, []
    for _ in range(PULLS):
        seen = torch.from_numpy(now)
        logits, _, memory = agent(seen[None], memory)
        action = torch.distributions.Categorical(logits=logits[0]).sample()
        now, reward, _, _, _ = env.step(action.numpy())
        steps.append((seen, action, torch.from_numpy(reward).float()))
    return tuple(torch.stack(each) for each in zip(*steps, strict=True))


def advantages(rewards, values):
    """Generalised advantage estimates (Schulman et al. 2016); nothing comes after a trial."""
    found, last = torch.zeros_like(rewards), torch.zeros_like(rewards[0])
    following = torch.cat([values[1:], torch.zeros_like(values[:1])])
    for t in reversed(range(len(rewards))):
        last = rewards[t] + DISCOUNT * following[t] - values[t] + DISCOUNT * TRACE * last
        found[t] = last
    return found


def improve(agent, optimiser, seen, actions, rewards):
    """Take a few steps on PPO's clipped objective (Schulman et al. 2017), through all of the trials' time."""
    with torch.no_grad():
        logits, values, _ = agent(seen)
        before = torch.distributions.Categorical(logits=logits).log_prob(actions)
        gains = advantages(rewards, values)
        targets, gains = gains + values, (gains - gains.mean()) / (gains.std() + 1e-8)
    for _ in range(EPOCHS):
        for some in torch.randperm(seen.shape[1]).chunk(PARTS):
            logits, values, _ = agent(seen[:, some])
            now = torch.distributions.Categorical(logits=logits)
            ratio, gain = (now.log_prob(actions[:, some]) - before[:, some]).exp(), gains[:, some]
            surrogate = torch.minimum(ratio * gain, ratio.clamp(1 - CLIP, 1 + CLIP) * gain).mean()
            error = (values - targets[:, some]).square().mean()
            loss = 0.5 * error - surrogate - 0.01 * now.entropy().mean()
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), 1.0)
            optimiser.step()


def best_possible():
    """What a pull earns at best if the law of the tasks is known: the arm that is likelier to be better.

    Each pull, of whichever arm, tells the same of the one unknown chance, which was uniform: after n of them
    k spoke for the first arm, k even from 0 to n, and the chance that it pays is (1 + k) / (n + 2).
    """
    by_pull = [np.mean([max(1 + k, 1 + n - k) / (n + 2) for k in range(n + 1)]) for n in range(PULLS)]
    return float(np.mean(by_pull))


def tuned(training, held_out):
    """What a pull earns with the best of some settings of each learner, as training tasks have it."""
    contenders = {
        "Thompson sampling": [mf.ThompsonSampling(successes=n, failures=n) for n in (0.25, 0.5, 1.0, 2.0)],
        "UCB1": [mf.UCB1(reward_range=width) for width in (0.1, 0.2, 0.4, 1.0)],
    }

    def earned(learner, tasks, rng):
        return mf.train(learner, tasks, 1, rng=rng).returns.mean() / PULLS

    tasks = training.sample(2000, rng=4)
    best = {name: max(some, key=lambda one: earned(one, tasks, 5)) for name, some in contenders.items()}
    return {name: earned(learner, held_out, 3) for name, learner in best.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--iterations", type=int, default=200, help="batches of trials (%(default)s)")
    parser.add_argument("--trials", type=int, default=256, help="side by side (%(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", help="a file for the figures")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)  # so small a network loses by more

    training, held_out = FAMILY.split()
    mode = {"num_episodes": 1, "autoreset_mode": "SameStep"}
    env = TrialVectorEnv(training, options.trials, **mode, rng=options.seed)
    agent = Agent(env.single_observation_space.shape[0], env.single_action_space.n)
    optimiser = torch.optim.Adam(agent.parameters(), 3e-3)
    for iteration in range(options.iterations):
        seen, actions, rewards = live(agent, env, seed=options.seed if iteration == 0 else None)
        improve(agent, optimiser, seen, actions, rewards)
        if iteration % 20 == 0 or iteration == options.iterations - 1:
            earned = f"{rewards.mean():.3f} a pull, {rewards[-1].mean():.3f} the last one"
            print(f"iteration {iteration:4}: {earned}")

    tasks = held_out.sample(4000, rng=1)
    alone = TrialVectorEnv(tasks, **mode)
    limits = mf.bounds(tasks, 1.0)
    found = {
        "the network": live(agent, alone, seed=2)[2].mean().item(),
        "any arm alike": limits.random.mean() / PULLS,
        **tuned(training, tasks),
        "the best possible": best_possible(),
        "the better arm at once": limits.optimal.mean() / PULLS,
    }
    print(f"in {len(tasks):,} tasks that it was not trained on, a pull:")
    for name, value in found.items():
        print(f"  {name:23} {value:.3f}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(found, file)


if __name__ == "__main__":
    main()
