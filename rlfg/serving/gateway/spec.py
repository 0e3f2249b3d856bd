"""What a gateway serves, and what it bears."""

from __future__ import annotations

from dataclasses import dataclass, field

from eval.backoff import Policy
from rlfg.data import ParseMode
from rlfg.errors import RlfgError


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a client may ask for."""

    body_bytes: int = 20_000_000
    """Of one request, all its pictures together; and of all that its URLs bring."""
    pixels: int = 40_000_000
    """Of one picture, read from its header before anything is decoded."""
    decoders: int = 4
    """Processes that decode pictures of more than a megapixel; each takes up to 1.2 GB for one of 40."""
    batch: int = 32
    """Pictures in one request."""
    samples: int = 10
    """Answers a picture; also the default."""
    question_characters: int = 2_000
    concurrency: int = 64
    """Requests to the engine at once."""
    waiting: int = 128
    """Requests taken in beyond that; the next one gets 429."""
    read_timeout_s: float = 30.0
    """For a client to send a whole request, for its headers, and to take each part of a streamed answer."""
    engine_timeout_s: float = 120.0
    """For the engine's whole answer."""
    fetch_timeout_s: float = 10.0
    """For a picture from a URL, redirects included."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < (0 if name == "waiting" else 1e-3):
                raise RlfgError(f"limits.{name} is {value}; it must be above 0")


@dataclass(frozen=True, kw_only=True)
class GatewaySpec:
    """What stands behind the gateway, and how it is asked."""

    engine_url: str
    """Base URL of the engine's OpenAI protocol, with /v1."""
    model: str
    """What the engine calls the tuned model."""
    question: str
    """The prompt it was trained with."""
    parse_mode: ParseMode = "lenient"
    """How training read its answers."""
    profile: str | None = None
    """How names are read; by default as suits the taxonomy."""
    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int = 512
    """Of one answer."""
    banned_ids: tuple[int, ...] = ()
    """Never sampled, as in training: the model's picture tokens."""
    policy: Policy = field(default_factory=lambda: Policy(threshold=0.5))
    """What is said of a picture."""
    api_key: str | None = field(default=None, repr=False)
    """What clients must show; None: nothing."""
    engine_key: str | None = field(default=None, repr=False)
    """What the engine wants to be shown."""
    url_hosts: tuple[str, ...] = ()
    """Hosts that pictures may be fetched from; none: URLs are off."""
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if not self.engine_url.startswith(("http://", "https://")):
            raise RlfgError(f"engine_url is {self.engine_url!r}; it starts with http:// or https://, and ends with /v1")
        if self.temperature < 0 or not 0 < self.top_p <= 1 or self.max_tokens < 1:
            raise RlfgError("sampling needs temperature >= 0, 0 < top_p <= 1 and max_tokens >= 1")
        if self.temperature == 0 and self.limits.samples > 1:
            raise RlfgError("at temperature 0 all answers are the same; use samples 1, or a temperature above 0")
        if self.api_key == "" or self.engine_key == "":
            raise RlfgError("a key must not be empty")

    @property
    def as_calibrated(self) -> bool:
        """Whether answers are drawn as those that the policy was fitted to."""
        return self.policy.drawn_as(temperature=self.temperature, top_p=self.top_p, max_tokens=self.max_tokens)
