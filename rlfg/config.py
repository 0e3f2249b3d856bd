"""Strict YAML configs: keyword-only dataclasses, unknown keys are errors, values are checked."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml

from rlfg.errors import RlfgError

Config = TypeVar("Config")


def load_config(cls: type[Config], path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Reads a YAML file into the dataclass `cls`.

    A file may start from another with `extends: other.yaml` (relative to itself); its own keys win,
    section by section.

    Args:
        cls: A keyword-only dataclass, possibly of other dataclasses.
        path: The file.
        overrides: `key.sub=value` each; the value is read as YAML.

    Raises:
        RlfgError: Names the file, the dotted key and the fix.
    """
    values = _read(Path(path), ())
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals:
            raise RlfgError(f"{override!r}: an override is written key.sub=value")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise RlfgError(f"{override!r}: not valid YAML: {' '.join(str(error).split())}") from error
        _set(values, key.split("."), value, override)
    return build_config(cls, values, str(path))


def build_config(cls: type[Config], values: Mapping[str, Any], source: str) -> Config:
    """Builds the dataclass from plain values; `source` is named in errors."""
    return typing.cast(Config, _dataclass(cls, values, source, ""))


def to_dict(config: Any) -> dict[str, Any]:
    """The config as plain values."""
    return dataclasses.asdict(config)


def dump_config(config: Any) -> str:
    """The config as YAML that `load_config` reads back."""
    return yaml.safe_dump(_plain(to_dict(config)), sort_keys=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value


def _read(path: Path, chain: tuple[Path, ...]) -> dict[str, Any]:
    """The file's values over those of the file it extends."""
    if path.resolve() in chain:
        raise RlfgError(f"{path}: `extends` goes in a circle")
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError as error:
        raise RlfgError(f"{path}: no such config file") from error
    except UnicodeDecodeError as error:
        raise RlfgError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except yaml.YAMLError as error:
        raise RlfgError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise RlfgError(f"{path}: a config is a mapping of keys to values")
    parent = values.pop("extends", None)
    if parent is None:
        return values
    return _merge(_read(path.parent / str(parent), (*chain, path.resolve())), values)


def _merge(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _set(values: dict[str, Any], keys: list[str], value: Any, override: str) -> None:
    for key in keys[:-1]:
        values = values.setdefault(key, {})
        if not isinstance(values, dict):
            raise RlfgError(f"{override!r}: {key} is a value, not a section")
    values[keys[-1]] = value


def _dataclass(cls: Any, values: Any, source: str, at: str) -> Any:
    if not isinstance(values, Mapping):
        raise RlfgError(f"{source}: {at or 'the config'} must be a section of keys, not {values!r}")
    hints = typing.get_type_hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cls) if f.init}
    for key in values:
        if key not in fields:
            near = difflib.get_close_matches(str(key), fields, n=1)
            hint = f"did you mean {near[0]}?" if near else f"valid keys: {', '.join(fields)}"
            raise RlfgError(f"{source}: unknown key {_join(at, key)}; {hint}")
    for name, field in fields.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and name not in values:
            raise RlfgError(f"{source}: {_join(at, name)} is required")
    built = {key: _value(hints[key], value, source, _join(at, key)) for key, value in values.items()}
    try:
        return cls(**built)
    except (RlfgError, ValueError, TypeError) as error:
        if str(error).startswith(source):
            raise
        raise RlfgError(f"{source}: {at + ': ' if at else ''}{error}") from error


def _value(kind: Any, value: Any, source: str, at: str) -> Any:
    """`value` as the type `kind`, or an error that says what was expected."""
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, value, source, at)
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _union(args, value, source, at)
    if origin is typing.Literal:
        if value in args:
            return value
    elif kind is Any:
        return value
    elif origin in (tuple, list, Sequence) or kind in (tuple, list):
        if isinstance(value, list | tuple):
            item = args[0] if args else Any
            built = [_value(item, v, source, f"{at}[{i}]") for i, v in enumerate(value)]
            return built if origin is list else tuple(built)
    elif origin in (dict, Mapping) or kind is dict or (isinstance(kind, type) and issubclass(kind, Mapping)):
        if isinstance(value, Mapping):
            item = args[1] if args else Any
            return {k: _value(item, v, source, _join(at, k)) for k, v in value.items()}
    else:
        scalar = _scalar(kind, value)
        if scalar is not None:
            return scalar
    raise RlfgError(f"{source}: {at} must be {_describe(kind)}, not {value!r}")


def _union(args: tuple[Any, ...], value: Any, source: str, at: str) -> Any:
    if value is None and type(None) in args:
        return None
    options = [a for a in args if a is not type(None)]
    errors = []
    for option in options:
        try:
            return _value(option, value, source, at)
        except RlfgError as error:
            errors.append(error)
    raise errors[0]


def _scalar(kind: Any, value: Any) -> Any:
    """The value as bool, int, float or str; None where it is none. YAML reads 1e-6 as text."""
    if kind is bool:
        return value if isinstance(value, bool) else None
    if isinstance(value, bool):
        return None
    if kind is int:
        if isinstance(value, float) and value.is_integer():
            return int(value)
        return value if isinstance(value, int) else None
    if kind is float:
        try:
            return float(value)
        except (TypeError, ValueError):
            return None
    if kind is str:
        return value if isinstance(value, str) else str(value) if isinstance(value, int | float) else None
    return None


def _describe(kind: Any) -> str:
    if typing.get_origin(kind) is typing.Literal:
        return f"one of {', '.join(map(repr, typing.get_args(kind)))}"
    origin = typing.get_origin(kind)
    if origin in (tuple, list, Sequence):
        return "a list"
    if origin in (dict, Mapping):
        return "a section"
    return {int: "a whole number", float: "a number", str: "text", bool: "true or false"}.get(kind, str(kind))


def _join(at: str, key: Any) -> str:
    return f"{at}.{key}" if at else str(key)
