"""Transfer or meta-learning?
==========================

On one family of grids a single training task tells nearly all; on the other one it misleads.
"""

import metarl_fast as mf

episodes = (0, 1, 2, 5, 20)
learner = mf.QLambda(learning_rate=0.5, epsilon=0.05)

# One goal, and moves that go astray now here, now there: what is best in one task is nearly best in all.
one_goal = mf.Perturbed(mf.GoalGrid(6, slip=0.3, horizon=30), concentration=40.0)
# A goal in one of three corners: what was learned in one of them leads away from the others.
corners = [mf.Region((0, 2), (4, 6)), mf.Region((4, 6), (0, 2)), mf.Region((4, 6), (4, 6))]
three_corners = mf.Mixture([mf.GoalGrid(6, goals=corner, horizon=30) for corner in corners])


def contenders(training, seed):
    """Return each way of using training tasks; transfer sees one of them, for as long as it takes."""
    explorer = learner.replace(epsilon=0.5)
    fit = {"num_tasks": 40, "rng": seed}
    return {
        "scratch": learner,
        "transfer": mf.Transfer().fit(training, explorer, 1500, **fit).replace(base=learner),
        "policy_prior": mf.PolicyPrior().fit(training, explorer, 150, **fit).replace(base=learner),
        "empirical_bayes": mf.EmpiricalBayes().fit(training, num_episodes=10, **fit),
    }


for name, family in (("one goal", one_goal), ("three corners", three_corners)):
    teams, held_out = {}, []
    for seed in range(4):  # each a training of its own; the interval is over them
        training, testing = family.split(0.25, rng=seed)
        held_out.append(testing.sample(30, rng=seed))
        for contender, fitted in contenders(training, seed).items():
            teams.setdefault(contender, []).append(fitted)
    found = mf.compare(teams, held_out, episodes, rng=0)
    shared = mf.describe(family, precision=0.1, most_tasks=256).policy_relatedness.value
    print(f"{name}: tasks have {shared:.0%} of their optimal policies in common")
    print(found.table(), end="\n\n")
