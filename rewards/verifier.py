"""From (answer, truth) texts to verdicts, by a stated policy over what the taxonomy says.

`resolve` turns a text into taxa and never sees the truth; `relation` compares two taxa. What is decided here
is what to do when a text is no taxon, or may be several.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Protocol, final

from rewards.checks import require_count
from rlfg.taxonomy import Resolution, Taxonomy, choose, normalize, profile_of, relation, resolve, specificity
from rlfg.types import Relation, Verdict

Pair = tuple[str | None, str]
"""Answer text (None: the completion was unparsed), truth text."""
NOBODY = "none"
"""Source of verdicts that no verifier gave."""
_REMEMBERED_PAIRS = 1 << 18
"""About 100 MB of verdicts; a policy's answers repeat, so that most pairs of a step have been seen."""


class Verifier(Protocol):
    """Whatever judges answers: a taxonomy, a language model, both."""

    def verify(self, pairs: Sequence[Pair]) -> list[Verdict]:
        """One verdict for each pair, in order; NO_VERDICT, never a guess, for what cannot be decided."""
        ...


@final
class TaxonomyVerifier:
    """Judges by a taxonomy alone.

    The policy, in this order:

    1. No answer, or nothing left of it after normalisation: UNPARSED.
    2. The truth is not in the taxonomy (unresolved, or itself several things or none): NO_VERDICT.
    3. The answer abstains: ABSTAIN. It names several options, even nested ones ("gull or Herring Gull"): WRONG.
    4. The answer is unresolved: WRONG, since a name that does not exist must not be masked. `rlfg score` counts such
       verdicts by their `status` and gives the bounds with all of them wrong, left out, and right.
    5. Exact, synonym, vernacular, parsed and fuzzy answers count alike: as `relation` has it. A truth may be an
       internal node: what stands below it is MORE_SPECIFIC, which ranks with SPECIFIC.
    6. A group noun ("sparrow") counts as the one of its taxa that holds the truth; as the truth's parent where that is
       a leaf or only a part of the group, so that a group is never SPECIFIC to one of its members. It is MORE_SPECIFIC
       if all of it lies below the truth, and WRONG otherwise. This is set membership, not a choice.
    7. An answer or truth with several taxa (namesakes) counts as the pair that makes the verdict best; the verdict
       is `truth_assisted`, and its reason says so.

    Seen pairs are remembered.
    """

    def __init__(self, taxonomy: Taxonomy, *, border: int = 2, profile: str | None = None) -> None:
        """Judge by `taxonomy`, with LESS_SPECIFIC ending `border` main ranks above the truth.

        `profile` says how answers are read; None for the one that suits the taxonomy.
        """
        require_count("border", border, least=0)
        self.taxonomy = taxonomy
        self.border = border
        self.profile = profile_of(taxonomy, profile)
        self._resolve: Callable[[str], Resolution] = partial(resolve, taxonomy, profile=self.profile)
        self._judge: Callable[[str | None, str], Verdict] = lru_cache(_REMEMBERED_PAIRS)(self._decide)

    def verify(self, pairs: Sequence[Pair]) -> list[Verdict]:
        """One verdict for each pair, in order; equal pairs share theirs."""
        judge = self._judge
        return [judge(answer, truth) for answer, truth in pairs]

    def _decide(self, answer: str | None, truth: str) -> Verdict:
        """The policy of the class."""
        meant = self._resolve(truth)
        truths = meant.candidates if meant.named else ()
        say = partial(
            Verdict,
            answer=answer,
            truth=truth,
            truth_node=truths[0] if len(truths) == 1 else None,
            truth_status=meant.status,
        )
        if answer is None or not normalize(answer):
            return say(
                relation=None, unparsed=True, answer=None, source="parser", reason=unparsed(answer, truth).reason
            )
        found = self._resolve(answer)
        say = partial(say, status=found.status)
        if not truths:
            return say(relation=None, reason=f'the truth "{truth}" is not in the taxonomy')
        if found.status == "abstain":
            return say(relation=Relation.ABSTAIN, reason="the answer abstains")
        if found.status == "several":
            return say(relation=Relation.WRONG, reason="the answer names several options")
        if not found.candidates:
            return say(relation=Relation.WRONG, reason="unresolved: the answer is not in the taxonomy")
        answer_node, truth_node = choose(self.taxonomy, found, truths, border=self.border)
        choice = _describe_choice(1 if found.group else len(found.candidates), len(truths))
        return say(
            relation=relation(self.taxonomy, answer_node, truth_node, border=self.border),
            specificity=specificity(self.taxonomy, answer_node, truth_node),
            claim=float(self.taxonomy.depth[answer_node] / max(self.taxonomy.depth[truth_node], 1)),
            answer_node=answer_node,
            answer_taxon=self.taxonomy.describe(answer_node),
            truth_node=truth_node,
            truth_assisted=bool(choice),
            reason=self._compare(answer_node, truth_node) + choice,
        )

    def _compare(self, answer: int, truth: int) -> str:
        """How the two taxa stand to each other, in words."""
        tree = self.taxonomy
        answer_name, truth_name = tree.describe(answer), tree.describe(truth)
        if answer == truth:
            return f"{answer_name} is the truth"
        if tree.is_ancestor(answer, truth):
            return f"{answer_name} stands above the truth, {truth_name}"
        if tree.is_ancestor(truth, answer):
            return f"{answer_name} stands below the truth, {truth_name}"
        return f"{answer_name} and the truth, {truth_name}, part at {tree.describe(tree.lca(answer, truth))}"


@final
class NoVerifier:
    """Judges nothing: NO_VERDICT for every answer, so that only what needs no verdict is measured."""

    def verify(self, pairs: Sequence[Pair]) -> list[Verdict]:
        """One for each pair; completions without an answer are UNPARSED all the same."""
        return [
            Verdict(relation=None, answer=answer, truth=truth, source=NOBODY, reason="no verifier was asked")
            if answer and normalize(answer)
            else replace(unparsed(answer, truth), source=NOBODY)
            for answer, truth in pairs
        ]


def unparsed(answer: str | None, truth: str) -> Verdict:
    """The verdict of a completion without an answer (None), or with one of which nothing is left."""
    reason = "no answer" if answer is None else "an empty answer"
    return Verdict(relation=None, unparsed=True, truth=truth, source="parser", reason=reason)


def is_open(verdict: Verdict) -> bool:
    """Whether a taxonomy's verdict is for want of a name in the tree."""
    return not verdict.unparsed and (verdict.relation is None or verdict.status == "unresolved")


def _describe_choice(answers: int, truths: int) -> str:
    counts = {"answer": answers, "truth": truths}
    ambiguous = [f"the {what} names {count} taxa" for what, count in counts.items() if count > 1]
    return f" (truth-assisted: {', '.join(ambiguous)}, the best pair counts)" if ambiguous else ""
