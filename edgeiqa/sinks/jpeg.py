"""A frame as a JPEG file that records when it was taken, its score, and its origin."""

from __future__ import annotations

import io
import os
import re
from datetime import datetime, timezone
from xml.sax.saxutils import quoteattr

import numpy as np
from PIL import ExifTags, Image

from edgeiqa._version import __version__
from edgeiqa.burst.xmp import OURS, RDF, XMP
from edgeiqa.imaging.frame import Frame
from edgeiqa.preprocessing.resize import to_rgb
from edgeiqa.quality import Quality

QUALITY = 90
"""JPEG quality, with 4:2:0 chroma, as in cameras."""

_NAME = re.compile(r"\d{8}T\d{6}\.\d{3}Z_\d{1,3}\.\d(-\d+)?\.jpg")
_XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
_MARK_BYTES = 8192


def name_of(taken_ns: int, score: float) -> str:
    """A file name of UTC time and score, "20261124T120102.345Z_87.4.jpg"; sorts by time.

    Args:
        taken_ns: Nanoseconds since 1970.
        score: 0-100.
    """
    seconds, rest = divmod(taken_ns, 1_000_000_000)
    day = datetime.fromtimestamp(seconds, timezone.utc)
    return f"{day:%Y%m%dT%H%M%S}.{rest // 1_000_000:03d}Z_{score:.1f}.jpg"


def is_ours(path: str) -> bool:
    """Whether a file was made by `encode` and still has the name that is recorded in it.

    Anything else is not ours: other names, renamed files, links, folders.
    """
    name = os.path.basename(path)
    if not _NAME.fullmatch(name) or os.path.islink(path) or not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as stream:
            head = stream.read(_MARK_BYTES)
    except OSError:
        return False
    return OURS.encode() in head and f'edgeiqa:file="{name}"'.encode() in head


def encode(frame: Frame, quality: Quality, name: str, taken_ns: int) -> bytes:
    """Encodes a frame as JPEG.

    EXIF holds the local time with milliseconds and offset; XMP holds `edgeiqa:score`,
    `edgeiqa:causes` and `edgeiqa:file`, the name.

    Args:
        frame: Saved upright, cropped to its region of interest.
        quality: Of this frame alone.
        name: Of the file.
        taken_ns: Nanoseconds since 1970.

    Raises:
        ValueError: More than 65,535 pixels a side, the limit of JPEG.
    """
    picture = Image.fromarray(np.ascontiguousarray(to_rgb(frame)))
    if max(picture.size) > 65_535:
        raise ValueError(
            f"{picture.width}x{picture.height} pixels exceed the 65,535 per side that JPEG allows"
        )
    packet = _XMP_HEAD + _packet(quality, name, taken_ns).encode()
    segment = b"\xff\xe1" + (len(packet) + 2).to_bytes(2, "big") + packet
    stream = io.BytesIO()
    options = {"quality": QUALITY, "subsampling": "4:2:0"}
    picture.save(stream, "JPEG", exif=_exif(taken_ns), extra=segment, **options)
    return stream.getvalue()


def _exif(taken_ns: int) -> Image.Exif:
    seconds, rest = divmod(taken_ns, 1_000_000_000)
    day = datetime.fromtimestamp(seconds, timezone.utc).astimezone()
    offset = f"{day:%z}"
    exif = Image.Exif()
    exif[ExifTags.Base.Software] = f"edgeiqa {__version__}"
    exif[ExifTags.Base.DateTime] = f"{day:%Y:%m:%d %H:%M:%S}"
    within = exif.get_ifd(ExifTags.IFD.Exif)
    within[ExifTags.Base.DateTimeOriginal] = f"{day:%Y:%m:%d %H:%M:%S}"
    within[ExifTags.Base.SubsecTimeOriginal] = f"{rest // 1_000_000:03d}"
    within[ExifTags.Base.OffsetTimeOriginal] = f"{offset[:3]}:{offset[3:5]}"
    return exif


def _packet(quality: Quality, name: str, taken_ns: int) -> str:
    day = datetime.fromtimestamp(taken_ns // 1_000_000_000, timezone.utc)
    causes = ", ".join(f"{cause} {severity:.3f}" for cause, severity in quality.causes.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF xmlns:rdf="{RDF}"><rdf:Description rdf:about=""'
        f' xmlns:xmp="{XMP}" xmlns:edgeiqa="{OURS}"'
        f' edgeiqa:file="{name}" edgeiqa:score="{quality.score:.2f}"'
        f" edgeiqa:causes={quoteattr(causes)}"
        f' xmp:CreatorTool="edgeiqa {__version__}" xmp:CreateDate="{day:%Y-%m-%dT%H:%M:%SZ}"/>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    )
