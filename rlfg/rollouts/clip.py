"""A dual encoder of pictures and texts (CLIP), through open_clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from rlfg.errors import RlfgError

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class ClipSpec:
    """Which dual encoder, and how a label becomes a text."""

    model: str = "ViT-B-32"
    """An architecture that open_clip knows, or the .json file of one."""
    pretrained: str | None = None
    """A tag that open_clip knows ("openai"), or a file of weights; none: random weights. A tag brings its activation
    along; a file of OpenAI's weights wants the architecture that has it (`ViT-L-14-quickgelu`)."""
    templates: tuple[str, ...] = ("a photo of a {}.",)
    """Texts with the label in place of {}. Of several, the embeddings are averaged (prompt ensembling)."""

    def __post_init__(self) -> None:
        if not self.templates or any(template.count("{}") != 1 for template in self.templates):
            raise RlfgError("clip.templates: one or more texts, each with {} once, where the label stands")


@final
class DualEncoder:
    """Compares pictures with labels. Shapes: N pictures, M labels, K templates, D embedding."""

    def __init__(self, spec: ClipSpec, *, device: Any) -> None:
        if find_spec("open_clip") is None:
            raise RlfgError("backend.clip needs open_clip: pip install 'rlfg[clip]'")
        import open_clip

        name = _architecture(open_clip, spec.model)
        tag = open_clip.get_pretrained_cfg(name, spec.pretrained) if spec.pretrained else {}
        try:
            model, _, transform = open_clip.create_model_and_transforms(
                name,
                pretrained=spec.pretrained,
                load_weights=spec.pretrained is not None,
                device=device,
                force_quick_gelu=tag.get("quick_gelu", False),  # open_clip 3 warns, and takes another activation
            )
        except (RuntimeError, OSError, AssertionError) as error:  # the last where widths differ
            raise RlfgError(f"clip.pretrained: {spec.pretrained!r} cannot be had for {name}: {error}") from error
        self.spec, self.device = spec, device
        self.model, self.transform, self.tokenize = model.eval(), transform, open_clip.get_tokenizer(name)
        self._labels: dict[str, Tensor] = {}

    def encode(self, pictures: Sequence[Image.Image]) -> Tensor:
        """Unit vectors of the pictures, (N, D)."""
        import torch

        with torch.no_grad():
            pixels = torch.stack([self.transform(picture) for picture in pictures]).to(self.device)
            return torch.nn.functional.normalize(self.model.encode_image(pixels), dim=-1)

    def label_vectors(self, labels: Sequence[str]) -> Tensor:
        """Unit vectors of the labels, (M, D), each made once: the mean over templates of unit vectors, made one."""
        import torch

        normalize = torch.nn.functional.normalize
        with torch.no_grad():
            for label in labels:
                if label not in self._labels:
                    texts = self.tokenize([template.replace("{}", label) for template in self.spec.templates]).to(
                        self.device
                    )
                    mean_D = normalize(self.model.encode_text(texts), dim=-1).mean(0)
                    self._labels[label] = normalize(mean_D, dim=-1)
        return torch.stack([self._labels[label] for label in labels])

    def logps(self, shown_ND: Tensor, labels: Sequence[str]) -> Tensor:
        """Log-probabilities of the labels for each picture, (N, M): cosines times the model's scale, normalised."""
        import torch

        with torch.no_grad():
            scale = self.model.logit_scale.exp()
            return (scale * shown_ND @ self.label_vectors(labels).T).float().log_softmax(-1).cpu()


def _architecture(open_clip: Any, name: str) -> str:
    """Its name; one in a .json file is made known.

    Raises:
        RlfgError: There is none.
    """
    if name.endswith(".json"):
        if not Path(name).is_file():
            raise RlfgError(f"clip.model: there is no file {name!r}")
        open_clip.add_model_config(Path(name))
        name = Path(name).stem
    if name not in open_clip.list_models():
        raise RlfgError(f"clip.model: open_clip knows no {name!r}; see open_clip.list_models()")
    return name
