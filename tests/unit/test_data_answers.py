from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlfg.data import (
    FORMS,
    PARSE_MODES,
    ParseMode,
    contract_hash,
    format_answer,
    has_form,
    load_prompt,
    parse_answer,
    prompt_names,
    user_message,
)
from rlfg.data.answers import TAGS
from rlfg.errors import RlfgError

GOOD = "<think>a red breast</think><answer>robin</answer>"


@pytest.mark.parametrize(
    ("completion", "lenient", "strict"),
    [
        (GOOD, "robin", "robin"),
        (f"  {GOOD}\n", "robin", "robin"),
        ("<answer>robin</answer>", "robin", None),
        ("Sure! " + GOOD, "robin", None),
        ("<think>robin</think>", None, None),
        ("<think><answer>robin</answer></think>", None, None),
        ("<think>x</think><answer>robin</answer><answer>eagle</answer>", "robin", None),
        ("<think>is it <answer>eagle</answer>?</think><answer>robin</answer>", "robin", None),
        ("<think>never closed <answer>robin</answer>", None, None),
        ("is it <answer>eagle</answer>?</think><answer>robin</answer>", "robin", None),  # opened by the chat template
        ("is it <answer>eagle</answer>?</think>", None, None),
        ("</think><think>an <answer>eagle</answer>?</think><answer>robin</answer>", "robin", None),
        ("<answer>robin", None, None),
        ("<answer></answer>", None, None),
        ("<think>x</think><answer> \u200b\u00a0\n</answer>", None, None),
        ("", None, None),
        ("robin", None, None),
    ],
)
def test_what_counts_as_an_answer(completion: str, lenient: str | None, strict: str | None) -> None:
    assert parse_answer(completion, "lenient").answer == lenient
    assert parse_answer(completion, "strict").answer == strict


@pytest.mark.parametrize(
    ("completion", "answer", "bare"),
    [
        ("<answer>robin</answer>", "robin", None),
        (" <answer> robin </answer>\n", "robin", None),
        ("robin", None, "robin"),
        (" robin\n", None, "robin"),
        (GOOD, None, None),
        ("It is <answer>robin</answer>", None, None),
        ("<answer>robin</answer> or so", None, None),
        ("<answer>robin</answer><answer>eagle</answer>", None, None),
        ("<answer>robin", None, None),
        ("robin</answer>", None, None),
        ("<think>robin", None, None),
        ("<answer></answer>", None, None),
        ("", None, None),
        (" \u200b\n", None, None),
    ],
)
def test_what_counts_as_an_answer_without_thoughts(completion: str, answer: str | None, bare: str | None) -> None:
    assert parse_answer(completion, "answer").answer == answer
    assert parse_answer(completion, "bare").answer == bare


def test_a_completion_that_vllm_ends_at_its_tag_is_of_the_form() -> None:
    from rlfg.rollouts.vllm.asking import STOP

    assert has_form(f"<answer>robin{STOP}", "answer")


def test_thoughts_are_known_whoever_opened_them() -> None:
    assert parse_answer(GOOD).thoughts == "a red breast" == parse_answer(GOOD.removeprefix("<think>")).thoughts
    assert parse_answer("<answer>robin</answer>").thoughts is None


def test_only_one_thought_and_one_answer_are_well_formed() -> None:
    assert parse_answer(GOOD).well_formed
    assert not parse_answer(GOOD + "<answer>eagle</answer>").well_formed
    assert not parse_answer("<think>a<think>b</think><answer>c</answer>").well_formed


words = st.text().filter(lambda text: text.strip() and not any(tag in text for tag in TAGS))


@given(words, words)
def test_a_target_is_read_back(rationale: str, label: str) -> None:
    try:
        target = format_answer(rationale, label)
    except RlfgError:
        return  # An invisible label.
    parsed = parse_answer(target, "strict")
    assert parsed.answer == label.strip()
    assert parsed.thoughts == rationale.strip()


MODES: dict[str, ParseMode] = {"think": "strict", "answer": "answer", "bare": "bare"}


@pytest.mark.parametrize("form", FORMS)
def test_a_target_is_read_back_in_the_mode_of_its_form_alone(form) -> None:
    target = format_answer("a red breast", " robin ", form)
    assert [f for f in FORMS if has_form(target, f)] == [form]
    assert [m for m in MODES.values() if parse_answer(target, m).answer == "robin"] == [MODES[form]]
    assert parse_answer(target).answer == (None if form == "bare" else "robin")
    assert ("a red breast" in target) == (form == "think")


@given(st.lists(st.sampled_from([*TAGS, "a", " ", "\n", "\u200b"])).map("".join))
def test_any_text_parses_and_answers_hold_no_tag(completion: str) -> None:
    for mode in PARSE_MODES:
        answer = parse_answer(completion, mode).answer
        assert answer is None or (answer.strip() and not any(tag in answer for tag in TAGS))


@pytest.mark.parametrize(("rationale", "label"), [("<think>", "a"), ("a", "</answer>"), ("a", " "), ("a", "\u200b")])
def test_a_target_that_would_not_be_read_back_is_refused(rationale: str, label: str) -> None:
    with pytest.raises(RlfgError):
        format_answer(rationale, label)


def test_prompts_ask_for_the_tags_that_are_parsed() -> None:
    assert {"think", "be_specific", "calibrated", "elimination", "high_precision", "base"} <= set(prompt_names())
    for name in set(prompt_names()) - {"short", "bare"}:
        assert "<answer>" in load_prompt(name).text
    assert not [tag for tag in TAGS if tag in load_prompt("bare").text]
    assert "<think>" not in load_prompt("answer").text


def test_a_question_of_the_manifest_replaces_the_variant() -> None:
    prompt = load_prompt("think")
    picture, text = user_message(prompt, "Which beetle?")["content"]
    assert picture == {"type": "image"}
    assert text["text"] == "Which beetle?"


def test_a_prompt_of_ones_own_is_a_text_file(tmp_path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("Which beetle?\n")
    assert load_prompt(str(path)).text == "Which beetle?"
    assert contract_hash(load_prompt(str(path))) != contract_hash(load_prompt("think"))
    with pytest.raises(RlfgError, match="be_specific"):
        load_prompt("be_specfic")
