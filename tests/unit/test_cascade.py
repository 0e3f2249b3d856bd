"""Taxonomy and judge together: who is asked what, and how far they agree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from http_judge import HttpJudge

pytest.importorskip("aiohttp")

from rewards.audit import Agreement, Audit
from rewards.cascade import Cascade
from rewards.judge import JudgeSpec, JudgeVerifier
from rewards.setup import VerifierSpec, build_verifier
from rewards.verifier import Pair, TaxonomyVerifier
from rlfg.chat import Endpoint, Retry
from rlfg.cli import main
from rlfg.errors import RlfgError
from rlfg.taxonomy import taxonomy_from_lineages
from rlfg.types import Relation, Verdict

TREE = taxonomy_from_lineages(
    {s: [f"family {s[0]}", f"genus {s[:2]}", s] for s in ("aa1", "aa2", "ab1", "ba1")},
    source="toy", ranks=("family", "genus", "species"), root="thing", root_aliases=(),
)  # fmt: skip
PAIRS: list[Pair] = [
    ("aa1", "aa1"), ("genus aa", "aa1"), ("thing", "aa1"), ("ba1", "aa1"), ("aa1 or aa2", "aa1"),
    ("none", "aa1"), (None, "aa1"), ("quagga", "aa1"), ("aa1", "no such truth"), ("zebra", "no such truth"),
]  # fmt: skip
BY_JUDGE = {
    ("quagga", "aa1"): "LESS_SPECIFIC",
    ("aa1", "no such truth"): "GENERIC",
    ("zebra", "no such truth"): "WRONG",
}


def judge_of(judge: HttpJudge, tmp_path: Path, **options: int) -> JudgeVerifier:
    endpoint = Endpoint(model="toy", base_url=judge.url, retry=Retry(attempts=2, first_wait_s=0.01))
    return JudgeVerifier(JudgeSpec(endpoint=endpoint, cache=str(tmp_path / "verdicts.sqlite"), **options))


def test_the_judge_is_asked_what_the_taxonomy_cannot_resolve_and_nothing_else(tmp_path: Path) -> None:
    alone = TaxonomyVerifier(TREE).verify(PAIRS)
    with HttpJudge(label=lambda truth, answer: BY_JUDGE[answer, truth]) as judge:
        verdicts = Cascade(TaxonomyVerifier(TREE), judge_of(judge, tmp_path)).verify(PAIRS)
        assert set(judge.asked) == {(truth, answer) for answer, truth in BY_JUDGE}
    for pair, verdict, before in zip(PAIRS, verdicts, alone, strict=True):
        if pair in BY_JUDGE:
            assert (verdict.label, verdict.source) == (BY_JUDGE[pair], "judge")  # type: ignore[index]
            assert verdict.reason.startswith(f"toy says {verdict.label}: because (the taxonomy: ")
            assert (verdict.status, verdict.truth_status) == (before.status, before.truth_status)
        else:
            assert verdict == before


def test_what_neither_can_judge_has_no_verdict(tmp_path: Path) -> None:
    with HttpJudge(fault=lambda: "500") as judge:
        verdicts = Cascade(TaxonomyVerifier(TREE), judge_of(judge, tmp_path)).verify(PAIRS)
    assert [v.label for v in verdicts[-3:]] == ["NO_VERDICT"] * 3, "also what the taxonomy alone calls WRONG"
    assert "2 attempts: HTTP 500" in verdicts[-1].reason


def test_an_audit_leaves_the_verdicts_and_counts_both(tmp_path: Path) -> None:
    with HttpJudge(label=lambda truth, answer: "SPECIFIC") as judge:
        asked = judge_of(judge, tmp_path)
        audit = Audit(TaxonomyVerifier(TREE), asked)
        verdicts = Cascade(audit, asked).verify(PAIRS)
        assert judge.requests == len(PAIRS) - 1, "all but the unparsed one, each once"
    assert [v.label for v in verdicts[:7]] == [v.label for v in TaxonomyVerifier(TREE).verify(PAIRS[:7])]
    found = audit.agreement
    assert sum(found.counts.values()) == len(PAIRS)
    assert (found.judged, found.agreement) == (6, 1 / 6), "what the taxonomy could not resolve is no opinion"
    assert found.counts["NO_VERDICT", "SPECIFIC"] == 3
    assert found.counts["UNPARSED", "UNPARSED"] == 1


def verdicts(*labels: str) -> list[Verdict]:
    return [Verdict(relation=Relation(label)) for label in labels]


def test_kappa_by_hand() -> None:
    agreement = Agreement()
    # 2 × 2: 20 both SPECIFIC, 15 both WRONG, 5 and 10 apart: p = .7, chance = .5 · .6 + .5 · .4 = .5, κ = .4
    for n, first, second in (
        (20, "SPECIFIC", "SPECIFIC"),
        (5, "SPECIFIC", "WRONG"),
        (10, "WRONG", "SPECIFIC"),
        (15, "WRONG", "WRONG"),
    ):
        agreement.add(verdicts(*[first] * n), verdicts(*[second] * n))
    assert agreement.agreement == pytest.approx(0.7)
    assert agreement.kappa == pytest.approx(0.4)
    table = agreement.table().splitlines()
    assert table[0].split() == ["taxonomy", "\\", "judge", "SPECIFIC", "WRONG"]
    assert [line.split() for line in table[1:3]] == [["SPECIFIC", "20", "5"], ["WRONG", "10", "15"]]
    assert table[3].startswith("agreement 0.700 [0.") and table[3].endswith(", over 50 pairs judged by both")
    low, high = agreement.intervals()["agreement"] or ()  # .7 ± 1.96 √(.7 · .3 / 50) = [.573, .827] by the normal law
    assert (low, high) == pytest.approx((0.573, 0.827), abs=0.02)
    low, high = agreement.intervals()["kappa"] or ()
    assert low < 0.4 < high


def test_the_interval_of_kappa_is_clustered_by_class() -> None:
    """All of class x alike, none of class y: a resample is xx, xy or yy, and κ is 1, 0 or -1."""
    labels = {"x": ("SW" * 8, "SW" * 8), "y": ("SW" * 8, "WS" * 8)}
    clustered, one_by_one, alone = Agreement(), Agreement(), Agreement()
    for truth, both in labels.items():
        first, second = ([Relation("SPECIFIC" if s == "S" else "WRONG") for s in said] for said in both)
        for agreement, name in ((clustered, truth), (one_by_one, None), (alone, "x")):
            agreement.add(*([Verdict(relation=r, truth=name) for r in said] for said in (first, second)))
    assert clustered.kappa == one_by_one.kappa == 0 and clustered.agreement == 0.5
    assert clustered.intervals() == {"agreement": [0.0, 1.0], "kappa": [-1.0, 1.0]}
    low, high = one_by_one.intervals()["agreement"] or ()  # .5 ± 1.96 · .5 / √32
    assert (low, high) == pytest.approx((0.327, 0.673), abs=0.04), "pairs that name no truth are drawn one by one"
    assert alone.intervals() == {"agreement": None, "kappa": None}, "one class leaves nothing to vary"


def test_pairs_are_of_the_taxon_of_their_truth(tmp_path: Path) -> None:
    with HttpJudge(label=lambda truth, answer: "SPECIFIC") as judge:
        audit = Audit(TaxonomyVerifier(TREE), judge_of(judge, tmp_path))
        audit.verify([("aa1", "aa1"), ("aa2", "AA1"), ("aa1", "No such  truth")])
    node = next(i for i in range(len(TREE.ranks)) if TREE.node_name(i) == "aa1")
    assert {name: counts.total() for name, counts in audit.agreement.by_class.items()} == {
        f"#{node}": 2,
        "no such truth": 1,
    }


def test_kappa_is_undefined_where_nothing_can_differ() -> None:
    agreement = Agreement()
    assert (agreement.agreement, agreement.kappa) == (None, None)
    agreement.add(verdicts("WRONG", "WRONG"), verdicts("WRONG", "WRONG"))
    assert (agreement.agreement, agreement.kappa) == (1.0, None)


def test_a_configuration_names_a_taxonomy_a_judge_or_both(tmp_path: Path) -> None:
    path = tmp_path / "tree.csv"
    path.write_text("genus,species\naa,aa1\n")
    with HttpJudge() as judge:
        judged = JudgeSpec(endpoint=Endpoint(model="toy", base_url=judge.url), cache=str(tmp_path / "v.sqlite"))
        alone = build_verifier(VerifierSpec(judge=judged))
        assert (type(alone.verifier), alone.taxonomy, alone.hash) == (JudgeVerifier, None, None)
        both = build_verifier(VerifierSpec(taxonomy=str(path), judge=judged, audit=True))
        both.verifier.verify([("aa1", "aa1"), ("quagga", "aa1")])
        assert both.metrics()["judge/requests"] == 2
        assert "audit/agreement" in both.metrics()
    assert type(build_verifier(VerifierSpec(taxonomy=str(path))).verifier) is TaxonomyVerifier
    with pytest.raises(RlfgError, match="give a taxonomy, a judge, or both"):
        VerifierSpec()
    with pytest.raises(RlfgError, match="give both"):
        VerifierSpec(taxonomy=str(path), audit=True)


def test_a_judge_that_is_down_makes_no_answer_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Naively 1 of 4 is right, and the two that the judge should have read are wrong."""
    said = (
        ("a", "robin", "robin"),
        ("b", "robin", "redbreast chick"),
        ("c", "robin", "eagle"),
        ("d", "eagle", "raptor"),
    )
    (tmp_path / "tree.csv").write_text("family,species\nthrushes,robin\nhawks,eagle\n")
    (tmp_path / "judge.yaml").write_text(
        f"""
endpoint: {{model: j, base_url: "http://127.0.0.1:9/v1", retry: {{attempts: 1}}}}
cache: {tmp_path}/verdicts.sqlite
"""
    )
    lines = [json.dumps({"id": key, "truth": truth, "answer": answer}) for key, truth, answer in said]
    (tmp_path / "p.jsonl").write_text("\n".join(lines) + "\n")
    how = ["--taxonomy", str(tmp_path / "tree.csv"), "--root", "bird", "--judge", str(tmp_path / "judge.yaml")]
    with pytest.raises(SystemExit):
        main(["score", *how, "--predictions", str(tmp_path / "p.jsonl"), "--out", str(tmp_path / "out")])
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert (metrics["counts"]["NO_VERDICT"], metrics["counts"]["WRONG"], metrics["correctness"]) == (2, 1, 0.5)
    assert metrics["denominators"]["correctness"] == 2
    assert "2 without a verdict, in no metric; 2 of them: no verdict: ClientConnector" in capsys.readouterr().out
