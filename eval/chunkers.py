"""Chunkers: the things that an answer speaks of, as short texts to be compared with the truth one by one.

lmms-owc takes spaCy's noun chunks and named entities (`en_core_web_lg`), lower-cased, without a leading article or
possessive, and leaves out the bare pronouns, numbers and nouns of `SKIPPED`. `SpacyChunker` does the same.
`RuleChunker` needs no model: it cuts at punctuation and at the words that noun phrases do not hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, final

from rlfg.errors import RlfgError
from rlfg.taxonomy.resolving.wordset import word_set

_DETERMINERS = ("a", "an", "the", "his", "her", "its", "their")
"""One of these goes from the front of a chunk."""
LMMS_OWC_MODEL = "en_core_web_lg"
SKIPPED = word_set(
    """
    1 2 3 4 5 6 7 8 9 10 one two three four five six seven eight nine ten * a the image object photo type it they them
    that this those which who whom whose where when what why how some
    """
) | {"this photo"}
"""Chunks that name nothing, as lmms-owc has them."""
_CUTS = word_set(
    """
    i you he she it we they me him us them my your his her its our their this that these those there here who whom
    whose which what where when why how a an the some any each every no none both either neither another other such

    of in on at by with without within from to into onto over under above below behind beside besides between among
    around across along through during before after near against towards upon off out up down for as like than and or
    but nor so if because while although though whether also too very quite rather just only even still not

    is are was were be been being am has have had having do does did can could may might must shall should will would
    appears appear appearing seems seem looks look looking shows show showing shown depicts depict depicting features
    feature featuring contains contain containing includes include including displays display displaying sits sit
    sitting stands stand standing perched perching lies lie lying holds hold holding placed served topped covered
    filled made surrounded known called named identified visible captured taken resembles resembling belongs suggests
    suggesting

    probably possibly maybe perhaps likely presumably apparently clearly definitely
    """
)
"""Pronouns, determiners, question words; prepositions, conjunctions; verbs of sentences about pictures; doubts."""
_PIECES = re.compile(r"[^\w'’\-]+(?=\s|$)|(?<!\w)[^\w\s]+|[,;:.!?()\[\]{}\"/|\n]+")


class Chunker(Protocol):
    """Finds the noun chunks of texts."""

    name: str

    def chunks(self, texts: Sequence[str]) -> list[list[str]]:
        """Those of each text, lower-cased, without a leading determiner; possibly none."""
        ...


@final
class RuleChunker:
    """Runs of words between punctuation, prepositions, pronouns and verbs."""

    name = "rules"

    def chunks(self, texts: Sequence[str]) -> list[list[str]]:
        """Those of each text."""
        return [self._of(text) for text in texts]

    def _of(self, text: str) -> list[str]:
        found: list[str] = []
        for piece in _PIECES.split(text.lower()):
            run: list[str] = []
            for word in (*piece.split(), ""):
                if word and word not in _CUTS:
                    run.append(word)
                    continue
                found.append(" ".join(run))
                run = []
        return [chunk for chunk in dict.fromkeys(found) if chunk and chunk not in SKIPPED]


@final
class SpacyChunker:
    """spaCy's noun chunks and entities, cleaned as lmms-owc does."""

    def __init__(self, model: str = LMMS_OWC_MODEL) -> None:
        """Loads the model, installed or in a folder.

        Raises:
            RlfgError: spaCy or the model is not installed.
        """
        try:
            import spacy

            self._pipe: Any = spacy.load(model).pipe
        except (ImportError, OSError) as error:
            raise RlfgError(
                f"--chunker spacy needs spaCy and its model: pip install 'rlfg[text-metrics]', then "
                f"python -m spacy download {model}; or name another with spacy:MODEL ({error})"
            ) from error
        self.name = f"spacy {model}"

    def chunks(self, texts: Sequence[str]) -> list[list[str]]:
        """Those of each text.

        Raises:
            RlfgError: The model does not parse sentences.
        """
        return [clean_chunks(self._named(doc)) for doc in self._pipe(texts)]

    def _named(self, doc: Any) -> list[str]:
        try:
            return [*(chunk.text for chunk in doc.noun_chunks), *(entity.text for entity in doc.ents)]
        except ValueError as error:  # E029, without a parser
            raise RlfgError(f"--chunker {self.name.replace(' ', ':', 1)}: gives no noun chunks ({error})") from error


@final
class StoredChunks:
    """Chunks found elsewhere: a JSON object of text → list of chunks."""

    def __init__(self, path: Path) -> None:
        """Reads them.

        Raises:
            RlfgError: The file is no such object.
        """
        try:
            self._chunks: Mapping[str, list[str]] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RlfgError(f"{path}: cannot read chunks: {error}") from error
        if not isinstance(self._chunks, dict):
            raise RlfgError(f"{path}: expected a JSON object of text → list of chunks")
        self.name = f"file {path.name}"

    def chunks(self, texts: Sequence[str]) -> list[list[str]]:
        """Those of each text; none where the file does not know it."""
        return [list(self._chunks.get(text, ())) for text in texts]


def clean_chunks(chunks: Sequence[str]) -> list[str]:
    """Lower-cased, one leading determiner off, nothing of `SKIPPED`, each once."""
    return [chunk for chunk in dict.fromkeys(map(_bare, chunks)) if chunk not in SKIPPED]


def _bare(chunk: str) -> str:
    first, _, rest = chunk.lower().partition(" ")
    return rest if rest and first in _DETERMINERS else chunk.lower()


def load_chunker(name: str) -> Chunker:
    """A chunker by name: "rules", "spacy", "spacy:MODEL", a JSON file of chunks.

    Raises:
        RlfgError: There is none of that name, or it cannot be loaded.
    """
    if name == "rules":
        return RuleChunker()
    if name.partition(":")[0] == "spacy":
        return SpacyChunker(name.partition(":")[2] or LMMS_OWC_MODEL)
    if name.endswith(".json"):
        return StoredChunks(Path(name))
    raise RlfgError(f"--chunker {name}: give rules, spacy, spacy:MODEL or a .json file of text → chunks")
