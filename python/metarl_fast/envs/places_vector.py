"""What vector environments over places share: modes of resetting, seeds, masks, infos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks
from metarl_fast.envs.one_place import RENDER_MODES, checked_render_mode
from metarl_fast.envs.places import Places, checked_options
from metarl_fast.envs.seeds import Seeds
from metarl_fast.envs.sub_environments import SubEnvironments
from metarl_fast.families import Family
from metarl_fast.seeding import Seed
from metarl_fast.tasks import Task, Tasks

if TYPE_CHECKING:
    import gymnasium
    from gymnasium.vector import AutoresetMode, VectorEnv
    from gymnasium.vector.utils import batch_space
else:
    gymnasium = checks.require_extra("gymnasium", "gym")
    vector = checks.require_extra("gymnasium.vector", "gym", has="AutoresetMode")
    AutoresetMode, VectorEnv = vector.AutoresetMode, vector.VectorEnv
    batch_space = vector.utils.batch_space

MODES = {
    AutoresetMode.NEXT_STEP: _core.Autoreset.next_step,
    AutoresetMode.SAME_STEP: _core.Autoreset.same_step,
    AutoresetMode.DISABLED: _core.Autoreset.disabled,
}


def checked_autoreset_mode(value: Any) -> AutoresetMode:
    """Return a mode of resetting; its name or value will do."""
    names = {mode.value: mode for mode in MODES} | {mode.name: mode for mode in MODES}
    if isinstance(value, AutoresetMode):
        return value
    if not isinstance(value, str) or value not in names:
        listed = ", ".join(mode.value for mode in MODES)
        raise ValueError(f"autoreset_mode is {checks.shown(value)}, expected one of {listed}")
    return names[value]


def checked_num_envs(num_envs: int | None, source: Tasks | Family) -> int:
    """Return how many sub-environments there are: as many as tasks, if nobody says."""
    if num_envs is None:
        if not isinstance(source, Tasks):
            raise ValueError("num_envs is None, expected how many environments to make of a family")
        return len(source)
    return checks.integer(num_envs, "num_envs", 1, 2**31 - 1)


class PlacesVectorEnv(SubEnvironments, VectorEnv[Any, Any, Any]):
    """Base of vector environments whose sub-environments are places in the core."""

    def _set_up(
        self,
        places: Places,
        space: gymnasium.Space[Any],
        render_mode: str | None,
        autoreset_mode: str | AutoresetMode,
        rng: Seed,
    ) -> None:
        self._places = places
        self.num_envs = places.size
        self.autoreset_mode = checked_autoreset_mode(autoreset_mode)
        self.metadata = {
            "render_modes": RENDER_MODES,
            "render_fps": 4,
            "autoreset_mode": self.autoreset_mode,
        }
        self.render_mode = checked_render_mode(render_mode)
        self.single_observation_space = space
        self.single_action_space = gymnasium.spaces.Discrete(places.num_actions)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._seeds = Seeds(rng)

    def _begin(self, seed: int | list[int | None] | None, options: Any, *, anew: bool) -> NDArray[np.int64]:
        """Reset the places that the options name, and return which."""
        super().reset(seed=seed if isinstance(seed, int) else None)
        given = checked_options(options, "reset_mask", "task", "tasks")
        places = self._chosen(given.get("reset_mask"))
        keys = self._seeds.at_reset(self, seed, self.num_envs, places.size == self.num_envs)
        self._places.reset(places, keys, given.get("tasks", given.get("task")), anew=anew)
        self._seeds.begun = True
        return places

    def _chosen(self, mask: Any) -> NDArray[np.int64]:
        """Return the places of a mask."""
        if mask is None:
            return self._places.everywhere
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
            raise TypeError(f"options['reset_mask'] is {checks.shown(mask)}, expected a boolean array")
        checks.shape(mask, "options['reset_mask']", (self.num_envs,))
        if not mask.any():
            raise ValueError("options['reset_mask'] has no True, expected at least one")
        return np.flatnonzero(mask)

    def _new_arrays(self) -> tuple[Any, ...]:
        n = self.num_envs
        return (
            np.empty(n, np.int64),
            np.empty(n, np.int64),
            np.empty(n),
            np.empty(n, np.bool_),
            np.empty(n, np.bool_),
        )

    def _actions(self, actions: Any) -> NDArray[np.int64]:
        right = isinstance(actions, np.ndarray) and actions.dtype == np.int64 and actions.ndim == 1
        if right and actions.flags.c_contiguous and actions.flags.aligned and len(actions) == self.num_envs:
            return np.asarray(actions)
        return checks.shape(checks.array(actions, "actions", np.int64), "actions", (self.num_envs,))

    def _say(self, infos: dict[str, Any], name: str, values: NDArray[Any], places: NDArray[np.int64]) -> None:
        """Add what some sub-environments say, and which do."""
        said = np.zeros(self.num_envs, np.bool_)
        said[places] = True
        shown = np.zeros_like(values)
        shown[places] = values[places]
        infos[name], infos[f"_{name}"] = shown, said

    def _say_final(self, infos: dict[str, Any], seen: NDArray[np.object_], done: NDArray[np.int64]) -> None:
        """Add what was seen at the end of the episodes that are over."""
        said = np.zeros(self.num_envs, np.bool_)
        said[done] = True
        final = np.full(self.num_envs, None, object)
        final[done] = seen
        infos["final_obs"], infos["_final_obs"] = final, said
        infos["final_info"], infos["_final_info"] = {}, said.copy()

    def step_some(self, places: Any, actions: Any) -> tuple[Any, ...]:
        """Take an action in some sub-environments, in any order, each at most once.

        Parameters
        ----------
        places
            Their numbers [n].
        actions
            Integers [n].

        Returns
        -------
        states, rewards, terminated, truncated
            Of these, each [n]; states as numbers, whatever the observations are.
        """
        where = checks.array(places, "places", np.int64)
        chosen = checks.shape(checks.array(actions, "actions", np.int64), "actions", where.shape)
        if len(np.unique(where)) < where.size:
            raise ValueError(f"places holds {checks.shown(where)}, expected different ones")
        self._places.prepare()
        found: tuple[Any, ...] = self._core.step_some(where, chosen, MODES[self.autoreset_mode])
        return found

    @property
    def tasks(self) -> list[Task]:
        """The tasks in place [N]."""
        return [self._places.task(place) for place in range(self.num_envs)]

    @property
    def states(self) -> NDArray[np.int64]:
        """The states they are in [N]."""
        return np.asarray(self._core.states)
