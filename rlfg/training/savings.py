"""What a GRPO step does not pay for, switch by switch, and why not where it must: the lines of `rlfg plan`."""

from __future__ import annotations

from rlfg.training.config import GrpoConfig


def shared_prefix(config: GrpoConfig, runs: int, rows: int) -> str:
    """Of a process's `runs` prompt runs in an optimizer step, completions at full length, instead of `rows`."""
    if not config.shared_prefix:
        return f"off: {rows:,} prompt runs a step, one a row"
    groups = -(-rows // config.group_size)
    return (
        f"on: {groups:,} to {runs:,} prompt runs a step instead of {rows:,} "
        f"({rows / groups:.1f} to {rows / runs:.1f} times fewer prompt tokens, short to full-length completions)"
    )


def pictures_once(config: GrpoConfig, *, possible: bool, kept: int | None) -> str:
    """How often a picture is encoded.

    Args:
        config: the run.
        possible: the vision tower is frozen, and of a kind that can be asked by itself.
        kept: bytes on disk with a picture cache; None where the number of pictures is not known.
    """
    passes = ["rollouts", *(["KL reference"] if config.objective.kl_coef else []), "update"]
    said = f"at least {len(passes)} ({', '.join(passes)})"
    if config.optimizer_steps_per_rollout > 1:
        said += f", {len(passes) + 1} from the second optimizer step on (old log-probabilities)"
    if not config.encode_pictures_once:
        return f"off: vision passes a picture {said}"
    if not possible:
        return f"not possible: the vision tower is trained, or of an unknown kind; vision passes a picture {said}"
    if config.picture_cache is None:
        return f"on: 1 vision pass a picture and rollout instead of {said}"
    disk = "" if kept is None else f", up to {size(kept)}"
    return f"on: 1 vision pass a picture in all, kept in {config.picture_cache}{disk}; instead of {said} a rollout"


def merged(config: GrpoConfig, *, possible: bool) -> str:
    """`possible`: the adapter is plain LoRA on float32 weights."""
    if not config.merge_for_rollouts:
        return "off: an adapted layer runs three matrix products in rollouts"
    if not possible or config.run.bf16:
        return "not merged into the weights: only float32 ones (without run.bf16) would round alike"
    return "merged into a copy of the weights it adapts: one matrix product a layer (not under ZeRO-3 and FSDP2)"


def old_logps(config: GrpoConfig) -> str:
    """The forward that the clip needs."""
    steps = config.optimizer_steps_per_rollout
    if steps == 1:
        return "no pass: one optimizer step a rollout is on-policy"
    which = "step 2" if steps == 2 else f"steps 2 to {steps}"
    return f"one pass for {which} of a rollout; step 1 is on-policy and needs none"


def zero_advantage(config: GrpoConfig) -> str:
    """Rows without gradient."""
    objective = config.objective
    if not config.drop_zero_advantage:
        return "not dropped (drop_zero_advantage: false)"
    if objective.needs_all_rows:
        term = "kl_coef" if objective.kl_coef else "entropy_coef"
        every = f"objective.{term} {getattr(objective, term):g} gives every row a gradient"
        return f"not dropped: {every}, so nothing is saved"
    if config.tapo and config.tapo.contrasts:
        return "not dropped: what tapo's negatives add gives every row a gradient, so nothing is saved"
    return "dropped: groups whose rewards are all equal cost no update"


def rebalance(config: GrpoConfig, processes: int) -> str:
    """Work that moves between processes."""
    if not config.rebalance:
        return "off: every process trains on what it rolled out"
    if processes == 1:
        return "nothing to spread: one process"
    return "on: groups go from processes with more than their share of tokens to those with less (not under ZeRO-3)"


def dynamic_sampling(config: GrpoConfig, pictures: int | None) -> str:
    """What looking for varied groups costs."""
    if config.dynamic_sampling is None:
        return "off: groups whose rewards are all equal stay in the batch"
    wanted, rounds = config.prompts_per_step, config.dynamic_sampling.max_rounds
    if pictures is not None and pictures <= wanted:
        return f"on, but nothing to draw from: a step shows {wanted:,} of {pictures:,} pictures"
    most = wanted * rounds if pictures is None else min(wanted * rounds, pictures)
    bounds = config.dynamic_sampling.accuracy
    which = (
        "those whose rewards differ" if bounds is None else f"those of an accuracy in ({bounds[0]:g}, {bounds[1]:g})"
    )
    return (
        f"on: up to {rounds} rounds a step, {wanted:,} to {most:,} pictures answered; {wanted:,} are trained on, "
        f"{which} first"
    )


def triplets(config: GrpoConfig) -> str:
    """What TAPO asks for, and what it costs."""
    spec = config.tapo
    if spec is None:
        return "off: one picture an example"
    anchors = config.group_size - spec.positives
    under = "the picture that was shown" if spec.conditioning == "own" else "the anchor"
    said = f"{anchors} + {spec.positives} answers to anchor and positive, trained on under {under}"
    if not spec.contrasts:
        return f"{said}; no negative is looked at"
    trained = spec.negative_branch == "live" or spec.negative_entropy_coef
    return f"{said}; {'another forward and backward' if trained else 'another forward'} of every row for the negative"


def lessons(config: GrpoConfig) -> str:
    """What is taught beside the rollouts."""
    mix = config.sft_mix
    if mix is None:
        return "off: nothing is taught beside the rollouts"
    return f"{mix.pictures_per_step:,} of {mix.data.path} an optimizer step, with weight {mix.coef:g}"


def checkpointing(config: GrpoConfig, kept: int, replayed: int) -> str:
    """Bytes of activations without gradient checkpointing, and with it."""
    if config.run.gradient_checkpointing:
        return f"on: activations {size(replayed)} instead of {size(kept)}, for another forward of the decoder layers"
    return f"off: activations {size(kept)}; run.gradient_checkpointing would keep {size(replayed)}"


def size(count: int) -> str:
    """Bytes as a reader takes them in."""
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.0f} MB"
