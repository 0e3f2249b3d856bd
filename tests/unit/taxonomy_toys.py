"""What the tests of the readers share."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy, load_taxonomy
from rlfg.taxonomy.ledger import Provenance

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="needs the real data in ../shared/data")

Pack = Callable[[Path, Mapping[str, str]], Path]


def as_folder(path: Path, files: Mapping[str, str]) -> Path:
    """The files in a folder."""
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text, encoding="utf-8")
    return path


def as_zip(path: Path, files: Mapping[str, str]) -> Path:
    """The files in `path`.zip."""
    target = path.with_name(f"{path.name}.zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return target


def as_tar(path: Path, files: Mapping[str, str]) -> Path:
    """The files in `path`.tar.gz."""
    target = path.with_name(f"{path.name}.tar.gz")
    with tarfile.open(target, "w:gz") as archive:
        for name, text in files.items():
            content = text.encode()
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return target


def one(tree: Taxonomy, text: str) -> int:
    """The only taxon of this name."""
    (node,) = tree.lookup(text)
    return node


def path_of(tree: Taxonomy, text: str) -> list[str]:
    """Ranks and names from the root to the taxon."""
    return [tree.describe(node) for node in tree.lineage(one(tree, text))]


def account(tree: Taxonomy) -> Provenance:
    """The provenance; its counts add up."""
    found = tree.provenance
    assert found is not None
    assert sum(found.entries.values()) == sum(found.used.values()) + sum(found.skipped.values()), found
    return found


def failure(path: Path, **options: object) -> str:
    """The message without the folder."""
    with pytest.raises(RlfgError) as caught:
        load_taxonomy(path, **options)  # type: ignore[arg-type]
    return str(caught.value).replace(f"{path.parent}/", "")
