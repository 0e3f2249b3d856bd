"""One setting trained with several seeds: the mean over them, and how far it can be trusted.

Two intervals, for two questions. The t interval takes the seeds' values as draws from a normal distribution: what would
other seeds give, on these pictures? The hierarchical bootstrap draws seeds with replacement, and for all of them the
same classes with replacement: what would other seeds give, on other pictures? With two or three seeds the second is too
narrow, since so few values stand for all seeds; the first says so by its width.
"""

from eval.seeds.over import OverSeeds, Seeds
from eval.seeds.runs import over_seeds, tallies_over_seeds
from eval.seeds.student import t_interval, t_quantile
from eval.seeds.text import seeds_text

__all__ = ["OverSeeds", "Seeds", "over_seeds", "seeds_text", "t_interval", "t_quantile", "tallies_over_seeds"]
