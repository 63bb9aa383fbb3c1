"""A car that has driven before
============================

Learn many trips, then adapt to a new one within a few, as a driver would.

First the way to work, in weather that was never seen: a table of action values learned on other trips serves
from the first one on. Then trips to destinations that were never seen, where such a table has nothing to
give, since it can only point at the middle of what it knows; a planner whose prior was learned still finds
its way within five trips.
"""

import metarl_fast as mf

EPISODES = (0, 1, 2, 5, 10, 20, 50)
LEARNER = mf.QLearning(learning_rate=0.5, discount=0.95, epsilon=0.0)


def trips(title, family, by):
    """Meta-train on one part of the family's tasks, and adapt to the other."""
    training, held_out = family.split(by=by, rng=0)
    known = training.sample(100, rng=0)
    tuned = mf.tune(LEARNER, known, num_candidates=16, episodes=EPISODES, rng=0)
    contenders = {
        "scratch": LEARNER,
        "tuned scratch": tuned,
        "plain transfer": mf.Transfer().fit(known, LEARNER, 200, rng=0),
        "average Q": mf.AverageQ().fit(known, LEARNER, 200, rng=0),
        "Reptile": mf.Reptile(step_size=0.2).fit(known, LEARNER, 100, num_iterations=20, rng=0),
        "empirical Bayes": mf.EmpiricalBayes().fit(known, rng=0),
    }
    tasks = held_out.sample(100, rng=1)
    compared = mf.compare(contenders, tasks, EPISODES, discount=LEARNER.discount, rng=2)
    optimum = mf.backward_induction(tasks).returns.mean()
    new = sorted({case[("weather", "road", "traffic", "destination").index(by)] for case in held_out.cases})
    print(f"{title}; new: {new}")
    print(compared.table("returns"))
    print(f"the best driver, who knows the task: {optimum:.2f}\n")


trips("The way to work in other weather", mf.Driving(destinations=((5, 5),)), "weather")
trips("To other destinations", mf.Driving(), "destination")
