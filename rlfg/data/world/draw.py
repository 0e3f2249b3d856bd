"""Draws one organism: 84 × 84 RGB, from its traits and a random generator."""

from __future__ import annotations

import colorsys
import math

import numpy as np
from PIL import Image, ImageDraw

SIZE = 84
"""Pixels; three by three image tokens for a model with 14-pixel patches merged two by two."""
_SCALE = 2
_HUES = (0.0, 0.155, 0.33, 0.62, 0.91, 0.075, 0.49, 0.76)
"""Hue of each colour of `species.COLOURS`; neighbours are at least 0.075 apart, jitter is ±0.012."""

Colour = tuple[int, int, int]
Point = tuple[float, float]


def _rgb(h: float, s: float, v: float) -> Colour:
    r, g, b = colorsys.hsv_to_rgb(h % 1.0, min(max(s, 0.0), 1.0), min(max(v, 0.0), 1.0))
    return round(r * 255), round(g * 255), round(b * 255)


def _background(rng: np.random.Generator, size: int) -> Image.Image:
    """A muted vertical gradient with soft blobs and a little noise."""
    top, bottom = (np.array(_rgb(rng.random(), rng.uniform(0.05, 0.3), rng.uniform(0.5, 0.95))) for _ in range(2))
    ramp = np.linspace(0, 1, size)[:, None, None]
    pixels = np.broadcast_to(top * (1 - ramp) + bottom * ramp, (size, size, 3))
    pixels = pixels + rng.normal(0, 4, (size, size, 1))
    image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(2, 5)):
        x, y, r = rng.uniform(0, size), rng.uniform(0, size), rng.uniform(0.04, 0.12) * size
        shade = _rgb(rng.random(), rng.uniform(0.05, 0.25), rng.uniform(0.45, 0.9))
        draw.ellipse((x - r, y - r * 0.6, x + r, y + r * 0.6), fill=shade)
    return image


def _body_mask(body: int, size: int, cx: float, cy: float, r: float) -> tuple[Image.Image, float, float]:
    """The body's mask, its half width and the y of its top."""
    mask = Image.new("L", (size, size), 0)
    draw = ImageDraw.Draw(mask)
    if body == 0:
        half, top = r, cy - r
        draw.ellipse((cx - r, cy - r, cx + r, cy + r), fill=255)
    elif body == 1:
        half, top = 1.45 * r, cy - 0.62 * r
        draw.ellipse((cx - half, top, cx + half, cy + 0.62 * r), fill=255)
    else:
        half, top = 1.15 * r, cy - 1.1 * r
        draw.polygon([(cx - half, cy + 0.9 * r), (cx + half, cy + 0.9 * r), (cx, top)], fill=255)
    return mask, half, top


def _pattern(draw: ImageDraw.ImageDraw, pattern: int, ink: Colour, cx: float, cy: float, r: float) -> None:
    """Paints a pattern over the whole square; the body's mask cuts it out."""
    if pattern == 1:
        for k in range(-4, 5):
            x = cx + k * 0.5 * r
            draw.line([(x, cy - 1.6 * r), (x, cy + 1.6 * r)], fill=ink, width=max(1, round(0.17 * r)))
    elif pattern == 2:
        for i in range(-3, 4):
            for j in range(-2, 3):
                x, y, d = cx + (i + 0.5 * (j % 2)) * 0.55 * r, cy + j * 0.5 * r, 0.14 * r
                draw.ellipse((x - d, y - d, x + d, y + d), fill=ink)
    elif pattern == 3:
        for k in range(1, 4):
            d = k * 0.42 * r
            draw.ellipse((cx - d, cy - d, cx + d, cy + d), outline=ink, width=max(1, round(0.15 * r)))


def _tail(draw: ImageDraw.ImageDraw, tail: int, fill: Colour, x: float, y: float, r: float) -> None:
    """A forked tail (two prongs) or a club (a stick with a ball), leaving the body to the left."""
    width = max(1, round(0.2 * r))
    if tail == 0:
        for sign in (-1, 1):
            draw.line([(x + 0.3 * r, y), (x - 0.75 * r, y + sign * 0.62 * r)], fill=fill, width=width)
    else:
        ball = 0.34 * r
        draw.line([(x + 0.3 * r, y), (x - 0.5 * r, y)], fill=fill, width=width)
        draw.ellipse((x - 0.6 * r - ball, y - ball, x - 0.6 * r + ball, y + ball), fill=fill)


def _crest(draw: ImageDraw.ImageDraw, crest: int, fill: Colour, x: float, y: float, r: float) -> None:
    """One tall horn, or a fan of five spread rays."""
    if crest == 0:
        draw.polygon([(x - 0.2 * r, y + 0.2 * r), (x + 0.2 * r, y + 0.2 * r), (x, y - 0.8 * r)], fill=fill)
        return
    for degrees in (-60, -30, 0, 30, 60):
        dx, dy = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
        tip = (x + 0.7 * r * dx, y - 0.55 * r * dy)
        draw.line([(x, y + 0.15 * r), tip], fill=fill, width=max(1, round(0.13 * r)))


def draw_organism(traits: tuple[int, int, int, int, int], rng: np.random.Generator, *, size: int = SIZE) -> Image.Image:
    """Draws traits (body, tail, crest, colour, pattern; indices into `species.TRAITS`).

    Position, scale, hue, saturation, light and background vary with `rng`; the traits do not.

    Returns:
        An RGB picture of `size` × `size` pixels.
    """
    body, tail, crest, colour, pattern = traits
    canvas = size * _SCALE
    image = _background(rng, canvas)
    r = canvas * rng.uniform(0.2, 0.25)
    cx, cy = canvas * rng.uniform(0.48, 0.6), canvas * rng.uniform(0.5, 0.62)
    hue, light = _HUES[colour] + rng.uniform(-0.012, 0.012), rng.uniform(0.75, 1.0)
    fill = _rgb(hue, rng.uniform(0.75, 0.95), light)
    ink = _rgb(hue, 0.6, light * 0.28)
    limb = _rgb(0.08, 0.2, light * 0.22)
    mask, half, top = _body_mask(body, canvas, cx, cy, r)
    draw = ImageDraw.Draw(image)
    _tail(draw, tail, limb, cx - half, cy + (0.45 * r if body == 2 else 0.0), r)
    _crest(draw, crest, limb, cx, top, r)
    skin = Image.new("RGB", (canvas, canvas), fill)
    _pattern(ImageDraw.Draw(skin), pattern, ink, cx, cy + (0.2 * r if body == 2 else 0.0), r)
    image.paste(skin, mask=mask)
    eye = (cx + (0.25 if body == 2 else 0.55) * half, cy - (0.1 if body == 2 else 0.2) * r)
    d = 0.12 * r
    draw.ellipse((eye[0] - d, eye[1] - d, eye[0] + d, eye[1] + d), fill=(255, 255, 255))
    draw.ellipse((eye[0] - d / 2, eye[1] - d / 2, eye[0] + d / 2, eye[1] + d / 2), fill=(0, 0, 0))
    return image.reduce(_SCALE)
