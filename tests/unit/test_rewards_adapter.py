"""The group reward inside plain TRL, and its rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewards import Group, RewardSpec, TaxonomyVerifier, build_rubric, group_advantages
from rewards.adapter import reward_rows, trl_reward, whole_groups, without_masks
from rewards.scoring import Scorer
from rlfg.errors import RlfgError
from rlfg.taxonomy import taxonomy_from_lineages
from rlfg.types import Rollout, Score

TREE = taxonomy_from_lineages(
    {s: [f"family {s[0]}", f"genus {s[:2]}", s] for s in ("aa1", "aa2", "ab1", "ba1")},
    source="toy", ranks=("family", "genus", "species"), root="thing", root_aliases=(),
)  # fmt: skip
VERIFIER = TaxonomyVerifier(TREE)
ANSWERS = ["aa1", "genus aa", "ba1", "aa2", "thing", "no such name"]


def said(answer: str) -> str:
    return f"<think>t</think><answer>{answer}</answer>"


def test_rows_earn_what_our_own_trainer_pays() -> None:
    rubric = build_rubric(RewardSpec(name="hedged"))
    truths = ["aa1"] * 3 + ["aa2"] * 3
    texts = [said(a) for a in ANSWERS]
    scorer = Scorer(verifier=VERIFIER, rubric=rubric, parse_mode="lenient", scale="group")
    rollouts = [
        Rollout(step=0, group_id=str(i // 3), prompt_key="", index=i % 3, truth=t, completion=c)
        for i, (c, t) in enumerate(zip(texts, truths, strict=True))
    ]
    ours = [one.score.reward for one in scorer(rollouts)]
    groups = whole_groups(6, 3)
    assert reward_rows(texts, truths, verifier=VERIFIER, rubric=rubric, group_ids=groups) == ours
    assert len(set(ours)) > 2
    order = [3, 0, 5, 1, 4, 2]  # a trainer that balances its processes scatters the rows
    shuffled = reward_rows(
        [texts[i] for i in order], [truths[i] for i in order],
        verifier=VERIFIER, rubric=rubric, group_ids=[groups[i] for i in order],
    )  # fmt: skip
    assert shuffled == [ours[i] for i in order]


def test_rows_that_are_no_groups_are_refused() -> None:
    rubric = build_rubric(RewardSpec())
    with pytest.raises(RlfgError, match="4 rows are no whole groups of 3"):
        whole_groups(4, 3)
    with pytest.raises(RlfgError, match=r"rows \[0, 1\] are one group, but answer prompts of different truths"):
        reward_rows([said("aa1")] * 2, ["aa1", "aa2"], verifier=VERIFIER, rubric=rubric, group_ids=[0, 0])


def test_a_filled_mask_carries_no_advantage_and_moves_no_mean() -> None:
    masked, groups = [1.0, None, 0.25, 0.25, None, None], [0, 0, 0, 0, 1, 1]
    filled = without_masks(masked, groups)
    assert filled == [1.0, 0.5, 0.25, 0.25, 0.0, 0.0]
    ours = group_advantages(masked, group_ids=groups, scale="none").values
    theirs = group_advantages(filled, group_ids=groups, scale="none").values
    assert ours.tolist() == theirs.tolist() and theirs[1] == 0


def test_a_masked_reward_is_none() -> None:
    rubric = build_rubric(RewardSpec())
    rows = reward_rows([said("aa1")] * 2, ["unknown"] * 2, verifier=VERIFIER, rubric=rubric, group_ids=[0, 0])
    assert rows == [None, None]


def test_plain_trl_trains_on_it(tmp_path: Path) -> None:
    """TRL's own trainer on a tiny text model; the reward sees whole groups and moves the weights."""
    torch = pytest.importorskip("torch")
    trl = pytest.importorskip("trl")
    from datasets import Dataset
    from transformers import LlamaConfig, LlamaForCausalLM

    from rlfg.models.tiny import CHAT_TEMPLATE, tiny_tokenizer

    tokenizer = tiny_tokenizer(["Name it. " + " ".join(ANSWERS)] * 3, vocab_size=320)
    tokenizer.chat_template = CHAT_TEMPLATE
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=1,
                    num_attention_heads=2, pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id)
    )  # fmt: skip
    groups: list[Group] = []

    def rubric(group: Group) -> list[Score]:
        """The tiny model finds no tags: what it is paid for is the length of its text."""
        groups.append(group)
        pairs = zip(group.verdicts, group.completions, strict=True)
        return [Score(reward=float(len(text)), verdict=verdict) for verdict, text in pairs]

    truths = ["aa1", "aa2", "ab1", "ba1"]
    rows = [{"prompt": [{"role": "user", "content": "Name it."}], "truth": truth} for truth in truths]
    trainer = trl.GRPOTrainer(
        model=model, processing_class=tokenizer, reward_funcs=[trl_reward(VERIFIER, rubric, group_size=3)],
        train_dataset=Dataset.from_list(rows),
        args=trl.GRPOConfig(
            output_dir=str(tmp_path), per_device_train_batch_size=6, num_generations=3, max_completion_length=8,
            max_steps=2, use_cpu=True, bf16=False, gradient_checkpointing=False, report_to=[], learning_rate=1e-2,
            dataloader_pin_memory=False, save_strategy="no", disable_tqdm=True,
        ),
    )  # fmt: skip
    before = [p.detach().clone() for p in model.parameters()]
    trainer.train()
    assert len(groups) == 4 and {len(group.verdicts) for group in groups} == {3}
    assert [group.step for group in groups] == [0, 0, 1, 1]
    assert all(len({verdict.truth for verdict in group.verdicts}) == 1 for group in groups)
    assert {verdict.label for group in groups for verdict in group.verdicts} == {"UNPARSED"}
    assert all(0 < length <= 8 for group in groups for length in group.lengths)
    assert any(not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
