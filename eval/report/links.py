"""Links from numbers to the answers behind them: filters that the page's script reads from the address.

| filter | answers that |
|---|---|
| run, verdict, group, status | are of the run, or one of several |
| answered | did not fail |
| truth | are to pictures of the class |
| at, under | are wrong, and part from the truth at this node, or at one of `first-last` |
| to, said | are wrong where the truth goes by this child of the common taxon, and the answer by that one |
| nowhere | are wrong and name no taxon |
| right, missed, short | name the truth's taxon at the rank, another one, or none |
| ranked | have a truth with a taxon at the rank: right, missed or short |
| score | are counted by the metric, lowest first |
| nameless | `only` those that are wrong for want of a name, all `without` them, or them `too`, whatever the verdict |
| truths, assisted | have a truth that resolved so; were judged with its help among namesakes |

The others are about pictures with several answers:

| filter | pictures that |
|---|---|
| sampled | stand in "Saying less" |
| sure | are as sure as that, or surer |
| says, true | say something at the back-off threshold, and something true |
| reliable, bin | count at the rank, with a confidence in the bin |
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

Filter = str | int | Sequence[str]


def link(**filters: Filter | None) -> str:
    """The address of the answers that pass all filters; a sequence passes any of its values, None is no filter."""
    pairs: list[tuple[str, str]] = []
    for name, value in filters.items():
        if isinstance(value, str | int):
            pairs.append((name, str(value)))
        elif value is not None:
            pairs += [(name, one) for one in value]
    return "#items?" + urlencode(pairs)
