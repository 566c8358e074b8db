"""Small pictures in every format that edgeiqa reads, to be mutated."""

from __future__ import annotations

import io
import struct
import warnings
from functools import cache

import numpy as np
from PIL import ExifTags, Image

from tests.edgeiqa.pictures import photograph, png, saved, with_orientation


@cache
def files(width: int = 30, height: int = 20) -> dict[str, bytes]:
    """Name to bytes: every format, mode and kind of compression that Pillow can write.

    Args:
        width: In pixels.
        height: In pixels.
    """
    rgb = photograph().resize((width, height))
    gray, alpha = rgb.convert("L"), rgb.convert("RGBA")
    alpha.putalpha(gray)
    turned = rgb.transpose(Image.Transpose.ROTATE_90).resize(rgb.size)
    wide = Image.fromarray(np.asarray(gray).astype(np.uint16) << 8)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2024:05:06 07:08:09"

    def several(image: Image.Image) -> dict[str, object]:
        # Copies, for Pillow leaves notes about the last format on pictures that it saved.
        return {"save_all": True, "append_images": [turned.copy(), image.copy()]}

    found = {
        "baseline.jpg": saved(rgb, "JPEG", exif=exif, icc_profile=b"\0" * 200, comment=b"words"),
        "progressive.jpg": saved(rgb, "JPEG", progressive=True, subsampling=2),
        "restarts.jpg": saved(rgb, "JPEG", restart_marker_blocks=1, qtables="web_low"),
        "cmyk.jpg": saved(rgb.convert("CMYK"), "JPEG"),
        "gray.jpg": saved(gray, "JPEG"),
        "two.mpo": saved(rgb, "MPO", **several(rgb)),
        "bilevel.png": saved(gray.convert("1"), "PNG"),
        "gray.png": saved(gray, "PNG"),
        "gray-alpha.png": saved(alpha.convert("LA"), "PNG"),
        "palette.png": saved(rgb.convert("P"), "PNG", transparency=3),
        "alpha.png": saved(alpha, "PNG", exif=exif, icc_profile=b"\0" * 200, dpi=(72, 72)),
        "deep.png": saved(wide, "PNG"),
        "turned.png": with_orientation(rgb, 8),
        "animated.png": saved(alpha, "PNG", save_all=True, append_images=[turned.convert("RGBA")]),
        "interlaced.png": _interlaced(),
        "animated.gif": saved(rgb, "GIF", **several(rgb), loop=0, duration=50, disposal=2),
        "clear.gif": saved(gray.convert("P"), "GIF", transparency=0, comment=b"words"),
        "lossy.webp": saved(rgb, "WEBP", exif=exif),
        "lossless.webp": saved(alpha, "WEBP", lossless=True),
        "animated.webp": saved(alpha, "WEBP", **several(rgb)),
        "rgb.bmp": saved(rgb, "BMP"),
        "palette.bmp": saved(rgb.convert("P"), "BMP"),
        "rgb.dib": saved(rgb, "DIB"),
        "rgb.tif": saved(rgb, "TIFF", exif=exif),
        "deep.tif": saved(wide, "TIFF"),
        "float.tif": saved(gray.convert("F"), "TIFF"),
        "pages.tif": saved(rgb.copy(), "TIFF", **several(rgb), compression="tiff_lzw"),
        "big.tif": saved(rgb, "TIFF", big_tiff=True),
        "binary.ppm": saved(rgb, "PPM"),
        "binary.pgm": saved(gray, "PPM"),
        "plain.ppm": b"P3\n2 1\n255\n1 2 3 250 251 252\n",
        "plain.pbm": b"P1\n# words\n4 2\n1 0 1 0\n0 1 0 1\n",
        "float.pfm": b"Pf\n1 1\n-1.0\n\0\0\x80?",
        "rgb.avif": saved(rgb, "AVIF", exif=exif),
        "alpha.avif": saved(alpha, "AVIF", lossless=True),
        "rgb.jp2": saved(rgb, "JPEG2000"),
        "raw.j2k": saved(gray, "JPEG2000", no_jp2=True, irreversible=True, tile_size=(16, 16)),
        "rgb.tga": saved(rgb, "TGA"),
        "packed.tga": saved(alpha, "TGA", compression="tga_rle"),
        "icon.ico": saved(alpha, "ICO", sizes=[(7, 7)]),
        "bitmap.ico": saved(alpha, "ICO", sizes=[(7, 7)], bitmap_format="bmp"),
        "rgb.pcx": saved(rgb, "PCX"),
        "rgb.sgi": saved(rgb, "SGI"),
        "rgb.dds": saved(alpha, "DDS"),
        "packed.dds": saved(alpha, "DDS", pixel_format="DXT5"),
        "rgb.qoi": _qoi(rgb),
        "layers.psd": _psd(rgb),
        "cut.jpg": saved(rgb, "JPEG")[:-200],
        "claims.png": png(20_000, 20_000),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for kind in ("packbits", "tiff_adobe_deflate", "jpeg", "tiff_lzw", "lzma", "zstd"):
            found[f"{kind}.tif"] = saved(rgb.copy(), "TIFF", compression=kind)
        for kind in ("group3", "group4", "tiff_ccitt"):
            found[f"{kind}.tif"] = saved(gray.convert("1"), "TIFF", compression=kind)
    return found


TOKENS = (
    *(b"\xff\xd8", b"\xff\xd9", b"\xff\xe1", b"\xff\xda", b"\xff\xc0", b"\xff\xc2", b"\xff\xc4"),
    *(b"\xff\xdd", b"\xff\xe2MPF\0", b"Exif\0\0", b"II*\0", b"MM\0*", b"II+\0", b"Adobe"),
    *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"iCCP", b"zTXt", b"iTXt", b"eXIf", b"acTL"),
    *(
        b"fcTL",
        b"fdAT",
        b"sRGB",
        b"gAMA",
        b"GIF87a",
        b"GIF89a",
        b"!\xf9\x04",
        b"!\xff\x0bNETSCAPE2.0",
    ),
    *(b"RIFF", b"WEBP", b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"BM", b"ftypavif"),
    *(b"ftypheic", b"meta", b"iloc", b"ispe", b"av1C", b"mdat", b"jP  ", b"jp2h", b"ihdr", b"colr"),
    *(b"\xff\x4f\xff\x51", b"\xff\x52", b"8BPS", b"qoif", b"DDS ", b"DX10", b"P6\n", b"P3\n"),
    *(b"99999", b"-1", b"1e9", b"#\n", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"%PDF-1.4\n", b"PK\3\4"),
)
"""Markers and chunk names of the formats."""


def _interlaced() -> bytes:
    """An Adam7 PNG of one pixel, which only the first of the seven passes has."""
    data = bytearray(png(1, 1, raw=b"\0\x80\x40\x20"))
    data[28] = 1
    from tests.fuzz.mutate import with_right_sums

    return with_right_sums(bytes(data))


def _qoi(image: Image.Image) -> bytes:
    body = b"".join(b"\xfe" + bytes(pixel) for pixel in np.asarray(image).reshape(-1, 3))
    return b"qoif" + struct.pack(">IIBB", *image.size, 3, 0) + body + b"\0" * 7 + b"\1"


def _psd(image: Image.Image) -> bytes:
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, image.height, image.width, 8, 3)
    planes = np.asarray(image).transpose(2, 0, 1).tobytes()
    return head + struct.pack(">III", 0, 0, 0) + struct.pack(">H", 0) + planes


def opened(data: bytes) -> Image.Image:
    """What Pillow itself makes of a file."""
    return Image.open(io.BytesIO(data))
