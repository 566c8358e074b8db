"""What storing and sending does: codecs and scaling, on coded values as they do it."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from PIL import Image, features

from .registry import LEVELS, RgbArray, register

_JPEG_WORST_QUALITY = 4.0
_JPEG_EXPONENT = 0.7

_MAX_SCALE = 6.0

# Settings at strength 0 and the five levels; between them a straight line.
_WEBP_QUALITY = (90.0, 28.0, 13.0, 5.0, 1.0, 0.0)
_AVIF_QUALITY = (90.0, 36.0, 26.0, 17.0, 9.0, 1.0)
_HEVC_QP = (16.0, 33.0, 38.0, 42.0, 46.0, 50.0)
_FRAME_TIME = Fraction(1, 25)


def _between(settings: Sequence[float], strength: float) -> int:
    stops = np.arange(len(LEVELS) + 1) / len(LEVELS)
    return round(float(np.interp(strength, stops, settings)))


def _jpeg_quality(strength: float) -> int:
    quality = 100.0 * (_JPEG_WORST_QUALITY / 100.0) ** (strength**_JPEG_EXPONENT)
    return round(quality)


def _recode(rgb: RgbArray, codec: str, **options: object) -> RgbArray:
    coded = io.BytesIO()
    Image.fromarray(rgb).save(coded, codec, **options)
    with Image.open(coded) as picture:
        return np.array(picture.convert("RGB"))


@register(
    "jpeg",
    "compression",
    "JPEG with 4:2:0 chroma at a low quality",
    seeded=False,
    says=lambda s: f"quality {_jpeg_quality(s)}",
)
def _jpeg(rgb: RgbArray, strength: float, generator: np.random.Generator) -> RgbArray:
    """Codes and decodes as baseline JPEG, 4:2:0, by libjpeg's quality 35, 18, 11, 6, 4."""
    del generator
    return _recode(rgb, "JPEG", quality=_jpeg_quality(strength), subsampling="4:2:0")


@register(
    "webp",
    "compression",
    "WebP at a low quality: smooth blocks, lost texture",
    seeded=False,
    says=lambda s: f"quality {_between(_WEBP_QUALITY, s)}",
    margin=0.15,
)
def _webp(rgb: RgbArray, strength: float, generator: np.random.Generator) -> RgbArray:
    """Codes and decodes as lossy WebP (VP8 intra), by libwebp's quality 28, 13, 5, 1, 0."""
    del generator
    return _recode(rgb, "WEBP", quality=_between(_WEBP_QUALITY, strength), method=2)


@register(
    "upscaling",
    "blur",
    "enlarged from too few pixels, as digital zoom does",
    seeded=False,
    says=lambda s: f"{_MAX_SCALE**s:.1f}x",
)
def _upscaling(rgb: RgbArray, strength: float, generator: np.random.Generator) -> RgbArray:
    """Shrinks by 6 ** strength with an anti-aliased bicubic filter and enlarges with the same."""
    del generator
    height, width = rgb.shape[:2]
    factor = _MAX_SCALE**strength
    small = (max(1, round(width / factor)), max(1, round(height / factor)))
    picture = Image.fromarray(rgb).resize(small, Image.Resampling.BICUBIC)
    return np.array(picture.resize((width, height), Image.Resampling.BICUBIC))


if features.check("avif"):  # from Pillow 11.3 on, in most builds

    @register(
        "avif",
        "compression",
        "AVIF at a low quality: plastic surfaces, lost texture",
        seeded=False,
        says=lambda s: f"quality {_between(_AVIF_QUALITY, s)}",
        margin=0.15,
        portable=False,
    )
    def _avif(rgb: RgbArray, strength: float, generator: np.random.Generator) -> RgbArray:
        """Codes and decodes as AVIF (AV1 intra), by quality 36, 26, 17, 9, 1 of 100."""
        del generator
        quality = _between(_AVIF_QUALITY, strength)
        return _recode(rgb, "AVIF", quality=quality, speed=9, max_threads=1)


def _has_hevc() -> bool:
    if importlib.util.find_spec("av") is None:
        return False
    try:
        import av

        av.Codec("libx265", "w")
    except (ImportError, ValueError, OSError):  # av's own errors are ValueErrors
        return False
    return True


if _has_hevc():

    @register(
        "hevc",
        "compression",
        "HEVC intra frames (HEIC photographs) at a low quality",
        seeded=False,
        says=lambda s: f"QP {_between(_HEVC_QP, s)}",
        margin=0.15,
        portable=False,
    )
    def _hevc(rgb: RgbArray, strength: float, generator: np.random.Generator) -> RgbArray:
        """Codes and decodes one HEVC key frame, 4:2:0, by x265's QP 33, 38, 42, 46, 50."""
        del generator
        import av

        height, width = rgb.shape[:2]
        # Whole blocks of 8 and at least one coding tree unit, as the encoder wants it.
        pad_y, pad_x = max(64, -(-height // 8) * 8) - height, max(64, -(-width // 8) * 8) - width
        whole = np.pad(rgb, ((0, pad_y), (0, pad_x), (0, 0)), mode="edge")
        encoder = av.CodecContext.create("libx265", "w")
        encoder.width, encoder.height = whole.shape[1], whole.shape[0]
        encoder.pix_fmt = "yuv420p"
        encoder.time_base = _FRAME_TIME
        encoder.options = {
            "preset": "ultrafast",
            "x265-params": f"qp={_between(_HEVC_QP, strength)}:keyint=1:log-level=none"
            ":pools=none:frame-threads=1:ipratio=1",
        }
        frame = av.VideoFrame.from_ndarray(whole, format="rgb24")
        packets = [*encoder.encode(frame), *encoder.encode(None)]
        decoder = av.CodecContext.create("hevc", "r")
        decoder.thread_count = 1
        frames = [f for packet in packets for f in decoder.decode(packet)]
        frames += decoder.decode(None)
        return np.ascontiguousarray(frames[0].to_ndarray(format="rgb24")[:height, :width])
