"""Sentence encoders: whatever turns texts into vectors. None is needed to score; none is imported before it is used."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol, final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from rlfg.errors import RlfgError
from rlfg.named import is_named, load_named

Vectors = NDArray[np.float32]
MINILM = "sentence-transformers/all-MiniLM-L6-v2"
"""What lmms-owc and VIC encode with."""
_BATCH = 1024
_NAMED = 3
"""Missing texts that an error shows."""


class Encoder(Protocol):
    """Turns texts into vectors."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.floating[Any]]:
        """N texts → (N, D) vectors of any length."""
        ...


@final
class RandomEncoder:
    """A fixed random vector for each text: equal texts are alike, all others are not. For tests and timings."""

    def __init__(self, dimension: int = 384, seed: int = 0) -> None:
        """Vectors of `dimension` numbers; another `seed` gives others."""
        self.dimension = dimension
        self.seed = seed

    def encode(self, texts: Sequence[str]) -> NDArray[np.floating[Any]]:
        """Drawn from each text's hash, so that they depend on nothing else."""
        rows = [self._draw(text) for text in texts]
        return np.array(rows, dtype=np.float32).reshape(len(texts), self.dimension)

    def _draw(self, text: str) -> NDArray[np.floating[Any]]:
        digest = hashlib.sha256(f"{self.seed}:{text}".encode()).digest()
        return np.random.default_rng(int.from_bytes(digest[:8])).standard_normal(self.dimension)


@final
class SentenceTransformer:
    """A model of the sentence-transformers library."""

    def __init__(self, name: str = MINILM) -> None:
        """Loads it.

        Raises:
            RlfgError: The library is not installed, or has no such model.
        """
        try:
            import sentence_transformers
        except ImportError as error:
            raise RlfgError(
                f"--encoder {name} needs sentence-transformers: pip install 'rlfg[text-metrics]'; or give --embeddings "
                'with all texts, or a function of your own as "package.module:function"'
            ) from error
        try:
            self._model = sentence_transformers.SentenceTransformer(name)
        except (OSError, ValueError) as error:
            raise RlfgError(f"--encoder {name}: cannot load: {error}") from error

    def encode(self, texts: Sequence[str]) -> NDArray[np.floating[Any]]:
        """As the model pools them."""
        found: NDArray[np.floating[Any]] = self._model.encode(list(texts), batch_size=_BATCH, show_progress_bar=False)
        return found


@final
class FunctionEncoder:
    """A function of your own: a list of N texts → (N, D)."""

    def __init__(self, path: str) -> None:
        """`path` is "package.module:function", or "file.py:function"."""
        self._encode: Callable[[list[str]], NDArray[np.floating[Any]]] = load_named(path, "encoder")

    def encode(self, texts: Sequence[str]) -> NDArray[np.floating[Any]]:
        """As the function has it."""
        return self._encode(list(texts))


def load_encoder(name: str) -> Encoder:
    """An encoder by name: "random", a function of your own ("file.py:function"), else a model of sentence-transformers.

    Raises:
        RlfgError: It cannot be loaded.
    """
    if name == "random":
        return RandomEncoder()
    return FunctionEncoder(name) if is_named(name) else SentenceTransformer(name)


@final
class Embeddings:
    """Texts and their vectors, from a file, from an encoder, or from the file and the encoder for what is not in it."""

    def __init__(
        self, texts: Iterable[str] = (), vectors: Vectors | None = None, encoder: Encoder | None = None
    ) -> None:
        """Row k of `vectors` (T, D) is that of the k-th text."""
        self._row = {text: row for row, text in enumerate(texts)}
        self._vectors = np.zeros((0, 0), np.float32) if vectors is None else np.asarray(vectors, np.float32)
        self.encoder = encoder

    @classmethod
    def read(cls, path: Path, encoder: Encoder | None = None) -> Embeddings:
        """A `.npz` with `texts` (T,) and `embeddings` (T, D); blanks around a text do not count.

        The texts may also be the bytes of a JSON list, as `write` has them.

        Raises:
            RlfgError: It cannot be read, or is not of that shape.
        """
        try:
            with np.load(path, allow_pickle=False) as found:
                texts, vectors = found["texts"], found["embeddings"]
            if texts.dtype == np.uint8:
                texts = np.array(json.loads(texts.tobytes()), dtype=np.object_)
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            reason = error.strerror if isinstance(error, OSError) else type(error).__name__
            raise RlfgError(f"{path}: not embeddings ({reason}); wanted is a .npz with texts and embeddings") from error
        if texts.ndim != 1 or vectors.ndim != 2 or len(texts) != len(vectors):
            raise RlfgError(
                f"{path}: texts has shape {texts.shape}, embeddings {vectors.shape}; wanted are (T,), (T, D)"
            )
        return cls(map(str.strip, texts.tolist()), vectors, encoder)

    def write(self, path: Path) -> None:
        """What `read` reads, all of it or nothing; texts as bytes, since in an array all are as large as the longest.

        30,000 answers of 5,000 letters, with twenty chunks each, would be 12 GB.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        texts = np.frombuffer(json.dumps(list(self._row)).encode(), dtype=np.uint8)
        aside = path.with_name(f"{path.name}.part")
        with aside.open("wb") as file:
            np.savez(file, texts=texts, embeddings=self._vectors[list(self._row.values())])
        os.replace(aside, path)

    def __contains__(self, text: str) -> bool:
        return text in self._row

    def __len__(self) -> int:
        return len(self._row)

    def add(self, texts: Iterable[str]) -> None:
        """Sees to it that all of these have a vector.

        Raises:
            RlfgError: Some have none and there is no encoder, or it gives vectors of another shape.
        """
        missing = list(dict.fromkeys(text for text in texts if text not in self._row))
        if not missing:
            return
        if self.encoder is None:
            shown = ", ".join(repr(text[:60]) for text in missing[:_NAMED])
            raise RlfgError(
                f"the embeddings lack {len(missing)} texts ({shown}{', …' if len(missing) > _NAMED else ''}); add them "
                "(--needed-texts FILE writes what is needed), or give --encoder for what is missing"
            )
        batches = (missing[i : i + _BATCH] for i in range(0, len(missing), _BATCH))
        vectors = np.concatenate([self._encode(self.encoder, batch) for batch in batches])
        if len(self._vectors) and vectors.shape[1] != self._vectors.shape[1]:
            raise RlfgError(
                f"the encoder gives {vectors.shape[1]} numbers a text, the stored embeddings have "
                f"{self._vectors.shape[1]}; they are of another encoder"
            )
        self._vectors = np.concatenate([self._vectors, vectors]) if len(self._vectors) else vectors
        self._row |= {text: row for row, text in enumerate(missing, start=len(self._vectors) - len(missing))}

    def cosines(self, a: Sequence[str], b: Sequence[str]) -> NDArray[np.float64]:
        """The cosine of each pair of texts; 0 where a vector is zero.

        Args:
            a: texts that were added.
            b: as many.
        """
        rows_a, rows_b = (np.array([self._row[text] for text in texts], dtype=np.int64) for texts in (a, b))
        norms = np.sqrt(np.einsum("td,td->t", self._vectors, self._vectors, dtype=np.float64))
        norms[norms == 0] = np.inf
        found = np.empty(len(rows_a))
        for start in range(0, len(rows_a), _BATCH):
            block = slice(start, start + _BATCH)
            left, right = (self._vectors[rows[block]].astype(np.float64) for rows in (rows_a, rows_b))
            found[block] = np.einsum("pd,pd->p", left, right) / norms[rows_a[block]] / norms[rows_b[block]]
        return found

    @staticmethod
    def _encode(encoder: Encoder, texts: Sequence[str]) -> Vectors:
        found = np.asarray(encoder.encode(texts), dtype=np.float32)
        if found.ndim != 2 or len(found) != len(texts):
            raise RlfgError(
                f"the encoder gave an array of shape {found.shape} for {len(texts)} texts; wanted is (N, D)"
            )
        return found
