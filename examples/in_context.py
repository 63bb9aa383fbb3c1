"""Learning in context, taught by histories
========================================

Two transformers learn to learn on AD's Darkroom from histories that are made as they are read, without files:

    python examples/in_context.py --seeds 3 --device cuda --json in_context.json --png in_context.png
    python examples/in_context.py --seeds 3 --only planner --steps 2500

The first takes a minute a network on a GPU, the second 13 minutes a network on two cores.

Both see nothing but training tasks, and are tested on goals held out, without any update of their weights:

* AD: algorithm distillation of Q-learning (Laskin et al. 2022). A thousand episodes of a learner's lifetime,
  subsampled to ten, are a context; the label is what the learner did.
* planner: distillation of a planner whose prior was learned from the training tasks (`mf.EmpiricalBayes`). It
  acts under noise and says at every step what it would have done. Several planners share the work, each of
  which knows a part of the training goals only, so that some of the goals are news to it.

Needs torch, and matplotlib for the picture. With --tiny it takes seconds and shows that it runs.
"""

import argparse
import json
import sys
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

import numpy as np

import metarl_fast as mf

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError as error:
    sys.exit(f"this example needs torch: {error}")

ROOM = mf.Darkroom.ad()
CONTEXT = 10  # episodes


@dataclass(frozen=True)
class Size:
    """How large it all is."""

    steps: int  # of training, of each contender
    batch: int = 32
    width: int = 64
    layers: int = 3
    heads: int = 4
    planners: int = 4
    seen: int = 4000  # tasks that a planner's prior is learned from
    tasks: int = 1024  # lifetimes made at a time
    lifetime: int = 1000  # episodes of Q-learning
    tested: int = 256  # held-out tasks
    episodes: int = 50  # of a test


FULL, TINY = Size(5000), Size(4, 4, 16, 1, 2, 2, 60, 8, 20, 8, 3)


class Block(nn.Module):
    """Attention to what came before, then two layers; with a memory it reads new tokens alone."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.parts, self.join = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.think = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x, memory):
        rows, length, width = x.shape
        parts = self.parts(self.before(x)).view(rows, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        if memory is not None:
            key, value = torch.cat([memory[0], key], dim=2), torch.cat([memory[1], value], dim=2)
        found = functional.scaled_dot_product_attention(query, key, value, is_causal=memory is None)
        x = x + self.join(found.transpose(1, 2).reshape(rows, length, width))
        return x + self.think(self.between(x)), (key, value)


class Transformer(nn.Module):
    """A token is the sum of embeddings of place, last action and reward, step, and episode of the context."""

    def __init__(self, size):
        super().__init__()
        self.factors = torch.from_numpy(mf.factors(ROOM))
        kinds = [
            *(self.factors.max(dim=0).values + 1).tolist(),
            ROOM.num_actions + 1,
            ROOM.horizon + 1,
            CONTEXT,
        ]
        self.embeddings = nn.ModuleList(nn.Embedding(kind, size.width) for kind in kinds)
        self.reward = nn.Linear(1, size.width)
        self.blocks = nn.ModuleList(Block(size.width, size.heads) for _ in range(size.layers))
        self.last = nn.LayerNorm(size.width)
        self.choose = nn.Linear(size.width, ROOM.num_actions)
        for part in self.embeddings:
            nn.init.normal_(part.weight, std=0.1)

    def numbers(self, seen):
        """What the embeddings of some tokens read, [B, L, 5], and their rewards [B, L, 1]."""
        state, action, step, place = (
            torch.from_numpy(np.asarray(column, np.int64))
            for column in (seen.state, seen.previous_action, seen.step, seen.place)
        )
        columns = [self.factors[state], action[..., None], step[..., None], place[..., None]]
        return torch.cat(columns, dim=-1), torch.from_numpy(seen.previous_reward)[..., None]

    def forward(self, numbers, rewards, memories=None):
        x = self.reward(rewards)
        for k, embedding in enumerate(self.embeddings):
            x = x + embedding(numbers[..., k])
        kept = []
        for k, block in enumerate(self.blocks):
            x, memory = block(x, None if memories is None else memories[k])
            kept.append(memory)
        return self.choose(self.last(x)), kept


class Actor:
    """The transformer as a policy of `act_in_context`: within an episode it reads the newest token alone."""

    def __init__(self, network, device, cold):
        self.network, self.device, self.cold = network, device, cold
        self.memories, self.length = None, 0

    @torch.inference_mode()
    def __call__(self, seen):
        numbers, rewards = (part.to(self.device) for part in self.network.numbers(seen))
        length = numbers.shape[1]
        if seen.reset[:, -1].all() or length != self.length + 1:
            self.memories = None  # the window has moved
        else:
            numbers, rewards = numbers[:, -1:], rewards[:, -1:]
        logits, self.memories = self.network(numbers, rewards, self.memories)
        self.length = length
        found = torch.from_numpy((seen.previous_reward > 0).any(axis=1)).to(self.device)
        warmth = torch.where(found, self.cold, 1.0)[:, None]
        return torch.softmax(logits[:, -1] / warmth, dim=-1).double().cpu().numpy()


def lifetimes_of_q_learning(training, size, rng):
    """Contexts, and what was done as labels."""
    learner = mf.QLearning(
        learning_rate=0.5, discount=0.9, epsilon=mf.Linear(1.0, 0.02, size.lifetime * 3 // 4)
    )
    for turn in range(sys.maxsize):
        tasks = training.sample(min(size.tasks, 128), rng=rng + 1000 * turn)
        made = mf.Histories(learner, tasks, size.lifetime, rng=rng + turn)
        for seen in made.episodes(size.batch, CONTEXT, rng=turn):
            yield seen, np.eye(ROOM.num_actions, dtype=np.float32)[seen.action]


def lifetimes_of_planners(training, size, rng):
    """Contexts, and what the planner would have done as labels."""
    planners = []
    for k in range(size.planners):
        known = training if size.planners == 1 else training.split(0.2, rng=rng + k)[0]
        planners.append(mf.EmpiricalBayes().fit(known, num_tasks=size.seen, rng=rng + k))
    for turn in range(sys.maxsize):
        tasks, planner = training.sample(size.tasks, rng=rng + 1000 * turn), planners[turn % len(planners)]
        made = mf.Histories(planner, tasks, CONTEXT, rng=rng + turn, noise=mf.Noise(), teacher=planner)
        for seen in made.episodes(size.batch, CONTEXT, rng=turn):
            yield seen, seen.label


CONTENDERS = {"AD of Q-learning": lifetimes_of_q_learning, "planner": lifetimes_of_planners}


def made_ahead(batches):
    """Yield batches; a thread of its own makes those that follow."""
    maker = ThreadPoolExecutor(1)
    try:
        waiting = deque(maker.submit(next, batches) for _ in range(64))
        while True:
            yield waiting.popleft().result()
            waiting.append(maker.submit(next, batches))
    finally:
        maker.shutdown(cancel_futures=True)


def train(network, batches, size, device):
    """AdamW with a warm-up and a linear decay, on labels that are distributions."""
    optimiser = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=1e-2)
    warm = min(100, size.steps)
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda k: min((k + 1) / warm, max(0.0, 1.0 - k / size.steps) + 0.01)
    )
    ahead = made_ahead(batches)
    start = time.perf_counter()
    for k in range(size.steps):
        seen, label = next(ahead)
        numbers, rewards = (part.to(device) for part in network.numbers(seen))
        logits, _ = network(numbers, rewards)
        decides = torch.from_numpy(seen.decides).to(device)
        wanted = torch.from_numpy(label).to(device)
        loss = functional.cross_entropy(logits[decides], wanted[decides])
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        rate.step()
        if (k + 1) % 500 == 0:
            seconds = time.perf_counter() - start
            print(f"    step {k + 1}: loss {loss.item():.3f}, {seconds:.0f} s", flush=True)
    ahead.close()
    return time.perf_counter() - start


def measured(name, seed, size, device):
    """Train one contender on one split, and test it on goals held out."""
    torch.manual_seed(seed)
    training, held_out = ROOM.split(0.2, rng=seed)
    tasks = held_out.sample(size.tested, rng=seed + 1)
    network = Transformer(size).to(device)
    network.factors = network.factors.cpu()
    seconds = train(network, CONTENDERS[name](training, size, 100_000 * (seed + 1)), size, device)
    network.eval()
    found = mf.act_in_context(Actor(network, device, 0.3), tasks, size.episodes, window=CONTEXT, rng=seed + 2)
    worst, lowest = found.worst(slice(-10, None))
    return {
        "contender": name,
        "seed": seed,
        "minutes": seconds / 60,
        "optimum": float(found.optimal.mean()),
        "returns": found.mean_returns.tolist(),
        "discovered": found.discovered_by.tolist(),
        "exploited": float(np.nanmean(found.exploited)),
        "worst": {"optimum": float(found.optimal[worst]), "return": lowest},
    }


def shown(run):
    returns = run["returns"]
    listed = ", ".join(f"{returns[e - 1]:.2f} ({e})" for e in (1, 2, 5, 10, 20, 50) if e <= len(returns))
    return (
        f"{run['contender']}, seed {run['seed']}: {listed} of {run['optimum']:.2f}; "
        f"{np.mean(returns[:20]):.2f} on average to 20; {run['minutes']:.1f} minutes; "
        f"exploits {run['exploited']:.3f}; "
        f"worst goal {run['worst']['return']:.1f} of {run['worst']['optimum']:.0f}"
    )


def draw(runs, path):
    """Returns by episode, each seed's and their mean."""
    from matplotlib.figure import Figure

    axes = (figure := Figure((6, 4), layout="constrained")).subplots()
    for k, name in enumerate(dict.fromkeys(run["contender"] for run in runs)):
        curves = np.array([run["returns"] for run in runs if run["contender"] == name])
        episode = np.arange(1, curves.shape[1] + 1)
        axes.plot(episode, curves.T, color=f"C{k}", alpha=0.3, lw=1)
        axes.plot(episode, curves.mean(axis=0), color=f"C{k}", lw=2, label=name)
    axes.axhline(np.mean([run["optimum"] for run in runs]), color="0.5", ls="--", lw=1, label="optimum")
    axes.set(xlabel="episode in context", ylabel="return", title="AD's Darkroom, goals held out")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=1, help="each with a split of its own")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--only", default="", help="contenders whose name holds this")
    parser.add_argument("--steps", type=int, help="of training")
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--json", help="where to write the figures")
    parser.add_argument("--png", help="where to draw them")
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse(arguments)
    size = TINY if options.tiny else FULL
    if options.steps:
        size = Size(**{**asdict(size), "steps": options.steps})
    runs = []
    for name in CONTENDERS:
        for seed in range(options.seeds if options.only in name else 0):
            runs.append(measured(name, seed, size, options.device))
            print(shown(runs[-1]), flush=True)
            if options.json:
                with open(options.json, "w", encoding="utf-8") as file:
                    json.dump({"size": asdict(size), "device": options.device, "runs": runs}, file, indent=1)
    if options.png:
        draw(runs, options.png)


if __name__ == "__main__":
    main()
