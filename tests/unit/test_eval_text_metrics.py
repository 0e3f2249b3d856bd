"""The text metrics against independent computations, and against the answers that fool a naive scorer."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from eval_toys import sampled, scored, toy_tree

from eval.chunkers import RuleChunker, StoredChunks, clean_chunks, load_chunker
from eval.encoders import Embeddings, RandomEncoder, load_encoder
from eval.intervals import class_bootstrap
from eval.metrics.sentence_iou import sentence_iou
from eval.metrics.text_inclusion import sole_inclusion, text_inclusion, word_inclusion
from eval.score import ScoredItem, score
from eval.textual import TextMetrics, needed_texts, text_columns, text_summary
from rewards.verifier import TaxonomyVerifier
from rlfg.errors import RlfgError
from rlfg.types import Prediction, Verdict


def texts(*pairs: tuple[str | None, str]) -> list[ScoredItem]:
    """Items with nothing but their texts."""
    undecided = Verdict(relation=None)
    return [
        ScoredItem(id=str(k), sample=0, truth=truth, answer=answer, verdict=undecided, truth_class=truth)
        for k, (answer, truth) in enumerate(pairs)
    ]


def known(vectors: dict[str, tuple[float, ...]]) -> Embeddings:
    return Embeddings(list(vectors), np.array(list(vectors.values()), np.float32))


VECTORS = {
    "cat": (1.0, 0.0, 0.0), "tabby": (0.8, 0.6, 0.0), "dog": (0.0, 2.0, 0.0), "pet": (0.5, 0.5, 0.0),
    "a tabby on a mat": (0.3, 0.0, 0.9), "mat": (0.0, 0.0, 1.0), "": (0.6, 0.0, 0.8),
}  # fmt: skip


def naive_inclusion(answer: str, truth: str) -> bool:
    return answer in truth or truth in answer


@pytest.mark.parametrize(
    ("answer", "truth", "raw", "words", "sole"),
    [
        ("Cat", "cat", 1, 1, 1),
        ("a photo of a CAT.", "Cat ", 1, 1, 1),
        ("caterpillar", "cat", 1, 0, 0),  # a substring of a distractor
        ("", "cat", 0, 0, 0),  # "" in "cat" holds the other way round
        ("cat, dog, bird or fish", "cat", 1, 1, 0),  # lists every class
        ("Black footed Albatross", "black-footed albatross", 0, 1, 1),
        ("herring gull", "herring_gull", 1, 1, 1),
        ("herring_gull", "herring_gull", 1, 1, 1),
        ("gull", "herring gull", 0, 0, 0),
    ],
)
def test_inclusion(answer: str, truth: str, raw: bool, words: bool, sole: bool) -> None:
    assert (text_inclusion(answer, truth), word_inclusion(answer, truth), sole_inclusion(answer, truth)) == (
        raw, words, sole,
    )  # fmt: skip


def test_underscores_are_spaces_and_as_published_are_not() -> None:
    """All four name the truth; as they stand only the first and the last do."""
    pairs = (("a herring gull", "herring gull"), ("herring gull", "herring_gull"), ("herring_gull", "herring gull"),
             ("herring_gull", "herring_gull"))  # fmt: skip
    found = text_columns(texts(*pairs), TextMetrics())
    assert found.columns["text_inclusion"].tolist() == [1, 1, 1, 1]
    assert found.published["text_inclusion"].tolist() == [1, 0, 0, 1]
    section = text_summary(found, class_bootstrap(np.array(["x"] * 4), samples=5))
    assert (section["text_inclusion"]["value"], section["text_inclusion"]["published"]) == (1, 0.5)
    assert "published" not in section["semantic_cluster_accuracy"]  # the same number


def test_a_naive_scorer_is_fooled_by_each_trap() -> None:
    assert naive_inclusion("caterpillar", "cat") and not word_inclusion("caterpillar", "cat")
    assert naive_inclusion("", "cat") and not text_inclusion("", "cat")
    assert naive_inclusion("cat, dog, bird", "cat") and not sole_inclusion("cat, dog, bird", "cat")


def test_thoughts_are_no_part_of_the_answer(tmp_path: Path) -> None:
    """Scored whole, the completion names the truth that it decides against."""
    completion = "<think>It may be Larus fuscus.</think><answer>Sterna hirundo</answer>"
    tree = toy_tree(tmp_path)
    items = score([Prediction(id="a", truth="Larus fuscus", completions=(completion,))], TaxonomyVerifier(tree), tree)
    assert naive_inclusion(completion, "Larus fuscus")
    found = text_columns(items, TextMetrics())
    assert found.columns["text_inclusion"].tolist() == [0] and items[0].scores["completion_words"] == 6


def test_sentence_iou_by_hand() -> None:
    assert sentence_iou("a Golden Retriever!", "golden retriever") == 2 / 3
    assert sentence_iou("black-footed albatross", "black footed albatross") == 1 / 4
    assert (sentence_iou("", "cat"), sentence_iou("cat", "cat")) == (0, 1)


def test_similarities_by_hand() -> None:
    items = texts(("tabby", "cat"), ("dog", "cat"), ("cat", "cat"), (None, "cat"))
    found = text_columns(items, TextMetrics(embeddings=known(VECTORS), super_category="pet"))
    columns = found.columns
    assert columns["semantic_similarity"] == pytest.approx([0.8, 0, 1, 0])
    assert columns["semantic_similarity@0.8"].tolist() == [1, 0, 1, 0]  # .8 in single precision is at least .8
    assert columns["semantic_similarity@0.9"].tolist() == [0, 0, 1, 0]
    assert columns["semantic_similarity@avg"] == pytest.approx([0.8, 0, 1, 0])
    base = math.sqrt(0.5)
    assert columns["relative_similarity"] == pytest.approx([(0.8 - base) / (1 - base), 0, 1, 0])
    # As published, the empty answer is embedded like any other.
    assert found.published["semantic_similarity"] == pytest.approx([0.8, 0, 1, 0.6])
    assert found.published["semantic_similarity@0.6"].tolist() == [1, 0, 1, 1]


def test_the_super_category_itself_leaves_no_room() -> None:
    found = text_columns(texts(("cat", "pet")), TextMetrics(embeddings=known(VECTORS), super_category="pet"))
    assert np.isnan(found.columns["relative_similarity"]).all()


def test_no_answer_is_worth_nothing_beside_a_super_category_that_is_unlike() -> None:
    vectors = {"cat": (1.0, 0.0), "thing": (-0.6, 0.8), "tabby": (0.6, 0.8)}
    found = text_columns(
        texts(("tabby", "cat"), (None, "cat")), TextMetrics(embeddings=known(vectors), super_category="thing")
    )
    assert found.columns["relative_similarity"] == pytest.approx([(0.6 + 0.6) / 1.6, 0])


def test_concept_similarity_is_the_best_chunk_or_the_whole() -> None:
    items = texts(("a tabby on a mat", "cat"), ("tabby", "cat"), (None, "cat"))
    found = text_columns(items, TextMetrics(embeddings=known(VECTORS)))
    assert found.columns["concept_similarity"] == pytest.approx([0.8, 0.8, 0])
    assert found.columns["semantic_similarity"][0] == pytest.approx(0.3 / math.sqrt(0.9))
    assert found.published["concept_similarity"] == pytest.approx([0.8, 0.8, 0.6])


def test_similarities_equal_those_of_a_plain_loop() -> None:
    """Pairs are deduplicated and blocked; numbers are those of one pair at a time."""
    rng = np.random.default_rng(0)
    names = [f"the {a} {b}" for a in ("red", "blue", "old") for b in ("cat", "dog", "gull", "tern")]
    pairs = [(str(rng.choice(names)) + " or a hawk", str(rng.choice(names))) for _ in range(3000)]
    encoder = RandomEncoder(16, seed=3)
    found = text_columns(texts(*pairs), TextMetrics(embeddings=Embeddings(encoder=encoder))).columns
    unit = {}
    chunker = RuleChunker()

    def cosine(a: str, b: str) -> float:
        for text in (a, b):
            if text not in unit:
                vector = encoder.encode([text])[0].astype(float)
                unit[text] = vector / math.sqrt(sum(x * x for x in vector))
        return float(sum(unit[a] * unit[b]))

    for k, (answer, truth) in enumerate(pairs):
        assert found["semantic_similarity"][k] == pytest.approx(cosine(answer, truth), abs=1e-6)
        concepts = [answer, *chunker.chunks([answer])[0]]
        assert len(concepts) == 3  # the whole, "red cat", "hawk"
        assert found["concept_similarity"][k] == pytest.approx(max(cosine(c, truth) for c in concepts), abs=1e-6)


def test_chunks() -> None:
    rules = RuleChunker()
    assert rules.chunks(["The image shows a black-footed albatross over the sea."]) == [
        ["black-footed albatross", "sea"]
    ]
    assert rules.chunks(["Boeing 737-800, or Airbus A320?", "ramen", "", "this photo"]) == [
        ["boeing 737-800", "airbus a320"], ["ramen"], [], [],
    ]  # fmt: skip
    assert clean_chunks(["The Image", "a Herring Gull", "its beak", "It", "herring gull", "an"]) == [
        "herring gull", "beak", "an",
    ]  # fmt: skip


def test_chunks_of_another_program(tmp_path: Path) -> None:
    path = tmp_path / "chunks.json"
    path.write_text(json.dumps({"a tabby on a mat": ["mat"]}))
    items = texts(("a tabby on a mat", "cat"))
    found = text_columns(items, TextMetrics(embeddings=known(VECTORS), chunker=load_chunker(str(path))))
    assert found.columns["concept_similarity"] == pytest.approx([0.3 / math.sqrt(0.9)])
    assert StoredChunks(path).chunks(["x"]) == [[]]


def test_spacy_pipelines(tmp_path: Path) -> None:
    """Rules in place of the trained model; a pipeline that cannot parse says so."""
    spacy = pytest.importorskip("spacy")
    rules = spacy.blank("en")
    nouns = rules.add_pipe("attribute_ruler")
    for word in ("Gull", "beak", "image", "boat"):
        nouns.add([[{"TEXT": word}]], {"POS": "NOUN", "DEP": "ROOT"})
    rules.add_pipe("entity_ruler").add_patterns(
        [{"label": "X", "pattern": text} for text in ("Gull", "the Boeing 737")]
    )
    rules.to_disk(tmp_path / "rules")
    chunker = load_chunker(f"spacy:{tmp_path / 'rules'}")
    assert chunker.chunks(["A Gull, the image of a boat and the Boeing 737", ""]) == [
        ["gull", "boat", "boeing 737"],
        [],
    ]
    spacy.blank("en").to_disk(tmp_path / "blank")
    with pytest.raises(RlfgError, match="gives no noun chunks .*E029"):
        load_chunker(f"spacy:{tmp_path / 'blank'}").chunks(["a gull"])


def test_stored_embeddings(tmp_path: Path) -> None:
    path = tmp_path / "e.npz"
    store = Embeddings(encoder=RandomEncoder(4))
    store.add(["cat", "dog", "cat"])
    store.write(path)
    again = Embeddings.read(path, RandomEncoder(4))
    again.add(["cat", "bird"])
    assert len(store) == 2 and len(again) == 3
    assert again.cosines(["cat"], ["dog"]) == pytest.approx(store.cosines(["cat"], ["dog"]))
    np.savez(tmp_path / "twice.npz", texts=np.array(["cat", "cat ", "dog"]), embeddings=np.eye(3))
    twice = Embeddings.read(tmp_path / "twice.npz", RandomEncoder(3))
    twice.add(["bird", "dog"])
    twice.write(tmp_path / "once.npz")
    once = Embeddings.read(tmp_path / "once.npz")
    assert len(once) == 3 and once.cosines(["bird", "cat"], ["bird", "dog"]) == pytest.approx([1, 0])
    assert once.cosines(["bird"], ["dog"]) == pytest.approx(twice.cosines(["bird"], ["dog"]))
    with pytest.raises(RlfgError, match="lack 2 texts \\('x', 'y'\\)"):
        Embeddings.read(path).add(["x", "y", "cat"])
    with pytest.raises(RlfgError, match="gives 8 numbers a text, the stored embeddings have 4"):
        Embeddings.read(path, RandomEncoder(8)).add(["x"])
    np.savez(path, texts=np.array(["a"]), embeddings=np.zeros((2, 3)))
    with pytest.raises(RlfgError, match="texts has shape"):
        Embeddings.read(path)
    with pytest.raises(RlfgError, match=r"not embeddings \(.*\); wanted is"):
        Embeddings.read(tmp_path / "none.npz")


def test_one_long_answer_makes_no_giant_of_stored_embeddings(tmp_path: Path) -> None:
    """In an array of texts each of 1,000 would take 4 bytes for each of 20,000 letters."""
    path, long, odd = tmp_path / "e", "word " * 3999 + "words", "猫 🦅"
    store = Embeddings(encoder=RandomEncoder(4))
    store.add([long, odd, *(f"bird {k}" for k in range(998))])
    store.write(path)
    assert path.stat().st_size < 100_000 and [file.name for file in tmp_path.iterdir()] == ["e"]
    again = Embeddings.read(path)
    assert len(again) == 1000 and again.cosines([long, odd], [long, long])[0] == pytest.approx(1)


def test_a_zero_vector_is_like_nothing() -> None:
    assert known({"a": (0.0, 0.0), "b": (1.0, 0.0)}).cosines(["a", "b"], ["b", "b"]).tolist() == [0, 1]


def test_what_needs_libraries_says_so() -> None:
    for load, name in ((load_encoder, "some/model"), (load_chunker, "spacy"), (load_chunker, "spacy:no_such_model")):
        with pytest.raises(RlfgError, match=r"pip install 'rlfg\[text-metrics\]'"):
            load(name)
    with pytest.raises(RlfgError, match="give rules, spacy, spacy:MODEL or"):
        load_chunker("nouns")


def test_a_function_of_one_s_own_encodes() -> None:
    found = load_encoder("test_eval_text_metrics:count_letters").encode(["ab", "b"])
    assert found.tolist() == [[1, 1], [0, 1]]


def count_letters(names: list[str]) -> np.ndarray:
    return np.array([[name.count("a"), name.count("b")] for name in names], dtype=float)


def test_needed_texts_are_enough(tmp_path: Path) -> None:
    items = texts(("a tabby on a mat", "cat"), (None, "dog"))
    metrics = TextMetrics(super_category="pet")
    needed = needed_texts(items, metrics)
    assert set(needed) == {"a tabby on a mat", "tabby", "mat", "", "cat", "dog", "pet"}
    store = Embeddings(needed, np.ones((len(needed), 2), np.float32))
    assert "concept_similarity" in text_columns(items, TextMetrics(embeddings=store, super_category="pet")).columns


def test_clusters_of_a_run(tmp_path: Path) -> None:
    """Two spellings of a taxon are one cluster by name, two by text; no answer is in none."""
    tree = toy_tree(tmp_path)
    items = [
        *scored(tree, "Larus fuscus", "larus fuscus", "", "", truth="Larus fuscus"),
        *sampled(tree, "b", "Sterna hirundo", "Sterna hirundo", truth="Sterna hirundo"),
    ]
    found = text_columns(items, TextMetrics())
    assert found.columns["cluster_accuracy"].tolist() == [1, 1, 0, 0, 1, 1]
    assert found.columns["semantic_cluster_accuracy"].sum() == 3
    assert found.published["semantic_cluster_accuracy"].sum() == 4  # nothing, said twice, is a cluster


def test_a_word_that_means_the_truth_s_own_taxon_is_one_cluster_all_the_same() -> None:
    """ "gull" counts as the gull that the truth is; by taxa each class would have a cluster of its own."""
    items = [
        ScoredItem(id=t, sample=0, truth=t, answer="gull", truth_class=t, verdict=Verdict(relation=None, answer_node=k))
        for k, t in enumerate(("Larus", "Rissa", "Pagophila"))
    ]
    assert text_columns(items, TextMetrics()).columns["cluster_accuracy"].sum() == 1
