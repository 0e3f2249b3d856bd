"""README and docs: `rlfg` takes every line of theirs, every config and key is there, every link leads somewhere."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from eval.predict import PredictConfig
from rewards import Group, RewardSpec, build_rubric
from rlfg.cli import _parser
from rlfg.config import load_config
from rlfg.resources import copy_recipes
from rlfg.taxonomy import load_taxonomy, profile_of
from rlfg.training.config import GrpoConfig
from rlfg.training.sft import SftTrainConfig
from rlfg.types import Relation, Verdict

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "recipes" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMAND = re.compile(r"^ {4}(?:\w+=\S+ )*(rlfg .*)$")
EXPLAINED = re.compile(r"\s+#.*$|\s{3,}\S.*$")
"""What a comment, or wide space, parts from a command."""
STAGES = {"evaluate": PredictConfig, "grpo": GrpoConfig, "sft": SftTrainConfig}
LINK = re.compile(r"\]\(([^)\s]+)\)")


def commands(page: Path) -> Iterator[str]:
    """Its `rlfg` lines, whole and without what is said of them; those with an ellipsis say what came before."""
    lines = iter(page.read_text().splitlines())
    for line in lines:
        if (found := COMMAND.match(line)) is None:
            continue
        command = found[1]
        while command.endswith("\\"):
            command = command[:-1] + next(lines).strip()
        command = EXPLAINED.sub("", command)
        if "…" not in command:
            yield command.replace("[", "").replace("]", "")


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_are_ones_that_there_are(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in commands(page):
        try:
            _parser().parse_args(shlex.split(command)[1:])
        except SystemExit:
            pytest.fail(f"{page.name}: {command}\n{capsys.readouterr().err}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_configs_and_links_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    for path in re.findall(r"\brecipes/[\w./-]+\.(?:yaml|py|sbatch)\b", text):
        assert (ROOT / path).is_file() or re.search(r"[A-Z]{4}", path), f"{page.name}: {path}"
    for link in LINK.findall(text):
        if link.startswith("http"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {link}"
        assert not anchor or anchor in anchors(target), f"{page.name}: {link}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_overrides_are_of_keys_that_there_are(page: Path) -> None:
    text = page.read_text().replace("\\\n", " ")
    for stage, path, rest in re.findall(r"--config (?=recipes/configs/(\w+)/)(\S+[a-z0-9]\.yaml)(.*)", text):
        overrides = [word for word in shlex.split(EXPLAINED.sub("", rest)) if "=" in word]
        load_config(STAGES[stage], ROOT / path, overrides)


def test_the_pages_have_commands_to_be_tried() -> None:
    assert sum(len(list(commands(page))) for page in PAGES) > 50


def test_the_code_of_ones_own_that_the_docs_show(tmp_path: Path) -> None:
    blocks = [
        block
        for page in PAGES
        for block in re.findall(r"```python\n(# (my_\w+\.py)\n.*?)```", page.read_text(), re.DOTALL)
    ]
    assert [name for _, name in blocks] == ["my_profiles.py", "my_rewards.py"]
    for code, name in blocks:
        (tmp_path / name).write_text(code)
    rubric = build_rubric(RewardSpec(name=f"{tmp_path}/my_rewards.py:cautious", options={"wrong": -1.0}))
    verdicts = [
        Verdict(relation=relation)
        for relation in (Relation.SPECIFIC, Relation.GENERIC, Relation.ABSTAIN, Relation.WRONG)
    ]
    assert [score.reward for score in rubric(Group(verdicts=(*verdicts, Verdict(relation=None))))] == [
        1,
        1,
        0,
        -1,
        None,
    ]
    profile = profile_of(load_taxonomy("builtin:cub200"), f"{tmp_path}/my_profiles.py:SPECIMENS")
    assert (profile.fuzzy, profile.sex_and_age, profile.group_nouns) == (False, False, True)


def test_the_recipe_of_ones_own_that_the_docs_show(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "training.md").read_text()
    (recipe,) = re.findall(r"\n\n(    extends: .*?)\n\n", text, re.DOTALL)
    copy_recipes(tmp_path)
    path = tmp_path / "recipes" / "configs" / "grpo" / "products.yaml"
    path.write_text(textwrap.dedent(recipe))
    config = load_config(GrpoConfig, path)
    assert (config.prompts_per_step, config.run.output_dir) == (64, "runs/products")
    assert (
        config.run.learning_rate == load_config(GrpoConfig, path.with_name("cub-qwen2.5-vl-7b.yaml")).run.learning_rate
    )
