"""Meta-learners: they look across tasks and turn a learner into a better one; one a file."""

from typing import TYPE_CHECKING

from metarl_fast.listing import concrete, public_names
from metarl_fast.meta.average_q import AverageQ as AverageQ
from metarl_fast.meta.base import Meta as Meta
from metarl_fast.meta.change_detecting import ChangeDetecting as ChangeDetecting
from metarl_fast.meta.conjugate_prior import ConjugatePrior as ConjugatePrior
from metarl_fast.meta.empirical_bayes import EmpiricalBayes as EmpiricalBayes
from metarl_fast.meta.es_maml import EsMaml as EsMaml
from metarl_fast.meta.fine_tuning import FineTuning as FineTuning
from metarl_fast.meta.fitted import Fitted as Fitted
from metarl_fast.meta.learned_update import LearnedUpdate as LearnedUpdate
from metarl_fast.meta.maml import Maml as Maml
from metarl_fast.meta.max_q_init import MaxQInit as MaxQInit
from metarl_fast.meta.meta_learner import MetaLearner as MetaLearner
from metarl_fast.meta.meta_sgd import MetaSgd as MetaSgd
from metarl_fast.meta.online_reptile import OnlineReptile as OnlineReptile
from metarl_fast.meta.policy_imaml import PolicyImaml as PolicyImaml
from metarl_fast.meta.policy_maml import PolicyMaml as PolicyMaml
from metarl_fast.meta.policy_prior import PolicyPrior as PolicyPrior
from metarl_fast.meta.policy_reptile import PolicyReptile as PolicyReptile
from metarl_fast.meta.pooled_training import PooledTraining as PooledTraining
from metarl_fast.meta.reptile import Reptile as Reptile
from metarl_fast.meta.sliding_window import SlidingWindow as SlidingWindow
from metarl_fast.meta.tied_q import TiedQ as TiedQ
from metarl_fast.meta.transfer import Transfer as Transfer
from metarl_fast.meta.tuned import Tuned as Tuned

METAS = concrete(globals(), Meta)  # type: ignore[type-abstract]
if not TYPE_CHECKING:  # checkers read the import lines themselves
    __all__ = sorted(public_names(globals()))
