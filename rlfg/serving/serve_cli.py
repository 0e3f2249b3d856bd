"""`rlfg serve`: a tuned model as a classification API."""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlfg.errors import RlfgError
from rlfg.serving.client import key_of
from rlfg.taxonomy.options import add_profile_option, add_taxonomy_options, taxonomy_of

if TYPE_CHECKING:
    from eval.backoff import Policy
    from rlfg.serving.gateway import GatewaySpec
    from rlfg.serving.spec import ServerSpec
    from rlfg.taxonomy import Taxonomy

LOOPBACK = ("127.0.0.1", "::1", "localhost")
NO_HOST = "none.invalid"
"""Allows vLLM to fetch from no host: an empty list would allow it every one."""


def add_serve(commands: Any) -> None:
    """Add `serve` to the command line."""
    parser = commands.add_parser("serve", help="a tuned model as a classification API, until Ctrl-C")
    engine = parser.add_mutually_exclusive_group(required=True)
    engine.add_argument("--model", help="base model to start vLLM with: a local folder or a hub id")
    engine.add_argument("--engine-url", help="a vLLM that runs already: http://HOST:PORT/v1")
    parser.add_argument("--adapter", type=Path, help="RUN/final; its contract.json says prompt and picture budget")
    parser.add_argument("--name", default="tuned", help="what the engine calls the tuned model (tuned)")
    add_taxonomy_options(parser)
    add_profile_option(parser)
    parser.add_argument("--prompt", help="a variant or a .txt file; by default that of the adapter's contract")
    rule = parser.add_mutually_exclusive_group()
    rule.add_argument("--policy", type=Path, help="what `rlfg calibrate` wrote: an answer as deep as it may be trusted")
    rule.add_argument("--threshold", type=float, default=0.5, help="share of the answers behind what is said (0.5)")
    parser.add_argument("--samples", type=int, help="answers a picture (those of --policy, else 10)")
    parser.add_argument("--temperature", type=float, help="of the answers (that of --policy, else 1)")
    parser.add_argument("--top-p", type=float, help="the same (that of --policy, else 1)")
    parser.add_argument("--max-tokens", type=int, help="of one answer (those of --policy, else 512)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8080, help="0: any free one (8080)")
    parser.add_argument("--api-key-env", metavar="NAME", help="environment variable with the key clients must show")
    parser.add_argument("--engine-key-env", metavar="NAME", help="environment variable with the key of --engine-url")
    parser.add_argument("--url-host", action="append", default=[], metavar="HOST", help="pictures may be fetched from")
    parser.add_argument("--max-body", type=int, default=20_000_000, metavar="BYTES", help="of a request (20 000 000)")
    parser.add_argument("--max-pixels", type=int, default=40_000_000, help="of a picture that is sent (40 000 000)")
    parser.add_argument("--concurrency", type=int, default=64, help="requests to the engine at once (64)")
    parser.add_argument("--waiting", type=int, default=128, help="requests taken in beyond that (128)")
    parser.add_argument("--decoders", type=int, default=4, help="processes that decode large pictures (4)")
    parser.add_argument("--read-timeout", type=float, default=30.0, help="seconds for a client to send a request (30)")
    parser.add_argument("--grace", type=float, default=30.0, help="seconds for requests under way at the end (30)")
    parser.add_argument("--log", type=Path, help="file for vLLM's output; by default it is shown")
    parser.add_argument("args", nargs="*", metavar="-- VLLM OPTIONS", help="--max-model-len 4096 …")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    try:
        import aiohttp  # noqa: F401
        import prometheus_client  # noqa: F401
    except ImportError as error:
        raise RlfgError(f"serving needs {error.name}: pip install 'rlfg[serve]'") from error
    from rlfg.serving.gateway.run import Place, serve
    from rlfg.serving.vllm_server import VllmServer

    taxonomy = taxonomy_of(args)
    spec = gateway_spec(args, taxonomy)
    if args.host not in LOOPBACK and spec.api_key is None:
        print(f"warning: {args.host} without --api-key-env: whoever reaches it may use it", file=sys.stderr)
    place = Place(host=args.host, port=args.port, grace_s=args.grace)
    say: dict[str, Any] = {
        "on_listening": lambda url: print(f"{spec.model} at {url}", flush=True),
        "on_ready": lambda: print("ready", flush=True),
    }
    if args.engine_url is not None:
        asyncio.run(serve(spec, taxonomy, place, **say))
        return 0
    server = VllmServer(engine_spec(args, spec), log=args.log)
    server.start()
    try:
        spec = replace(spec, engine_url=server.url)
        asyncio.run(serve(spec, taxonomy, place, engine=server, **say))
    finally:
        server.stop()
    return 0


def gateway_spec(args: argparse.Namespace, taxonomy: Taxonomy) -> GatewaySpec:
    """The gateway that the options and the adapter's contract describe."""
    from rlfg.data import contract_hash
    from rlfg.data.contract import parse_mode_of, prompt_of, read_contract
    from rlfg.serving.gateway import GatewaySpec, Limits

    folder = args.adapter or Path(args.model or "")
    contract = read_contract(folder)
    if contract.get("taxonomy") not in (None, taxonomy.hash):
        print(f"warning: {folder} was rewarded by another taxonomy than {args.taxonomy}", file=sys.stderr)
    parse_mode, prompt = parse_mode_of(folder), prompt_of(folder, args.prompt)
    policy = policy_of(args, taxonomy, parse_mode, contract_hash(prompt))
    spec = GatewaySpec(
        engine_url=args.engine_url or "http://127.0.0.1/v1",
        model=args.name,
        question=prompt.text,
        parse_mode=parse_mode,
        profile=args.profile or policy.profile,
        temperature=_first(args.temperature, policy.temperature, 1.0),
        top_p=_first(args.top_p, policy.top_p, 1.0),
        max_tokens=_first(args.max_tokens, policy.max_tokens, 512),
        banned_ids=banned_of(args),
        policy=policy,
        api_key=key_of(args.api_key_env),
        engine_key=key_of(args.engine_key_env) if args.engine_url else secrets.token_urlsafe(24),
        url_hosts=tuple(args.url_host),
        limits=Limits(
            body_bytes=args.max_body,
            pixels=args.max_pixels,
            samples=args.samples or policy.samples or 10,
            concurrency=args.concurrency,
            waiting=args.waiting,
            decoders=args.decoders,
            read_timeout_s=args.read_timeout,
        ),
    )
    if not spec.as_calibrated:
        print(f"warning: {args.policy} was fitted to samples drawn otherwise, and promises nothing", file=sys.stderr)
    return spec


def _first(*given: Any) -> Any:
    return next(value for value in given if value is not None)


def banned_of(args: argparse.Namespace) -> tuple[int, ...]:
    """The model's picture tokens, from the config of the base or of the folder that is served.

    An engine that runs already may stand on a base that is not here: then it is a warning.

    Raises:
        RlfgError: vLLM is to be started with a base whose config cannot be read.
    """
    from rlfg.models.picture_tokens import picture_tokens_of

    if args.model is not None:
        return picture_tokens_of(args.model)
    try:
        return picture_tokens_of(base_of(args.adapter))
    except RlfgError as error:
        print(f"warning: picture tokens are not kept from being sampled: {error}", file=sys.stderr)
        return ()


def base_of(adapter: Path | None) -> str:
    """What an adapter stands on; a folder that holds a whole model stands on itself.

    Raises:
        RlfgError: There is no such folder, or it does not say.
    """
    if adapter is None:
        raise RlfgError("the model behind --engine-url is known by its --adapter only (RUN/final, or an export)")
    config = adapter / "adapter_config.json"
    named = json.loads(config.read_text(encoding="utf-8")).get("base_model_name_or_path") if config.is_file() else None
    return str(named or adapter)


def policy_of(args: argparse.Namespace, taxonomy: Taxonomy, parse_mode: str, prompt: str) -> Policy:
    """The back-off policy of the options; `prompt` is the hash of what is asked.

    Raises:
        RlfgError: It was fitted in another taxonomy, or to answers read in another way or to another prompt.
    """
    from eval.backoff import Policy, read_policy

    if args.policy is None:
        return Policy(threshold=args.threshold)
    policy = read_policy(args.policy)
    if policy.taxonomy != taxonomy.hash:
        raise RlfgError(f"{args.policy}: was fitted in another taxonomy than {args.taxonomy}; calibrate again")
    if policy.parse != parse_mode or args.profile not in (None, policy.profile):
        now = f"now they are read by parser {parse_mode} and profile {args.profile or policy.profile}"
        fitted = f"was fitted to answers read by parser {policy.parse} and profile {policy.profile}"
        raise RlfgError(f"{args.policy}: {fitted}; {now}; calibrate again with these (--parse, --profile)")
    if policy.prompt not in (None, prompt):
        raise RlfgError(f"{args.policy}: was fitted to answers to another prompt; calibrate again with this one")
    if args.samples not in (None, policy.samples):
        print(f"warning: {args.policy} holds for {policy.samples} samples, not {args.samples}", file=sys.stderr)
    if policy.threshold is None:
        print(f"warning: {args.policy} abstains always", file=sys.stderr)
    return policy


def engine_spec(args: argparse.Namespace, spec: GatewaySpec) -> ServerSpec:
    """VLLM with the adapter and its picture budget, behind a key that only the gateway knows."""
    from rlfg.serving.spec import ServerSpec

    options = ["--allowed-media-domains", *(args.url_host or [NO_HOST])]
    budget = picture_budget(args.adapter or Path(args.model))
    if budget is not None:
        size = {"shortest_edge": budget[0], "longest_edge": budget[1]}
        options += ["--mm-processor-kwargs", json.dumps({"size": size})]
    return ServerSpec(
        model=args.model,
        name=f"{args.name}-base" if args.adapter else args.name,
        adapters={args.name: str(args.adapter)} if args.adapter else {},
        args=(*options, *args.args),
        env={"VLLM_API_KEY": str(spec.engine_key), "VLLM_MEDIA_URL_ALLOW_REDIRECTS": "0"},
    )


def picture_budget(folder: Path) -> tuple[int, int] | None:
    """Least and most pixels of the picture processor saved beside an adapter; None where there is none."""
    for name in ("processor_config.json", "preprocessor_config.json"):
        if (folder / name).is_file():
            config = json.loads((folder / name).read_text(encoding="utf-8"))
            size = config.get("image_processor", config).get("size") or {}
            if {"shortest_edge", "longest_edge"} <= size.keys():
                return int(size["shortest_edge"]), int(size["longest_edge"])
    return None
