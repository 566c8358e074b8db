"""Extracts the contract from the ZIP at the end of a model file, trusting nothing in it.

Python's zipfile trusts the directory of a ZIP and creates an object per entry. Therefore the last
22 bytes are checked first: they must end a plain, small archive that extends to the last byte of
the file, with offsets from its start.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile

from edgeiqa.errors import ContractError
from edgeiqa.inference.contract_spec import shown

ENTRY = "edgeiqa.json"
MAX_JSON_BYTES = 1_000_000
MAX_ENTRIES = 64
MAX_DIRECTORY_BYTES = 65_536

_END = struct.Struct("<4s4H2LH")
_LOCAL_HEADER = 30
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def read_entry(data: bytes) -> tuple[bytes, int]:
    """Returns the contract's text and the offset of the first entry of the ZIP.

    Args:
        data: A whole model file.

    Raises:
        ContractError: No ZIP, an unusual ZIP, no contract in it, or one larger than 1 MB.
    """
    directory = _check_end(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _check_places(entries, directory)
            (entry,) = _contracts(entries)
            with archive.open(entry) as stream:
                # The directory may state a wrong size; this bounds what is decompressed.
                text = stream.read(MAX_JSON_BYTES + 1)
            if len(text) > MAX_JSON_BYTES:
                raise ContractError(f"{ENTRY} is larger than {MAX_JSON_BYTES} bytes")
            return text, min(info.header_offset for info in entries)
    except ContractError:
        raise
    except Exception as error:  # zipfile raises half a dozen types on damaged input.
        raise _none(str(error)) from error


def _check_end(data: bytes) -> int:
    """Checks the end of the archive; returns where its directory starts."""
    if len(data) < _END.size or data[-_END.size : -_END.size + 4] != b"PK\5\6":
        raise _none("File is not a zip file")
    _, disk, first_disk, here, entries, size, start, comment = _END.unpack(data[-_END.size :])
    if disk or first_disk or here != entries or comment:
        raise ContractError(
            "the ZIP at the end of the .tflite has several parts or a comment, expected neither"
        )
    if entries > MAX_ENTRIES or size > MAX_DIRECTORY_BYTES:
        raise ContractError(
            f"the ZIP at the end of the .tflite has {entries} entries in {size} bytes, "
            f"expected at most {MAX_ENTRIES} in {MAX_DIRECTORY_BYTES}"
        )
    if start + size + _END.size != len(data):
        raise ContractError(
            f"the directory of the ZIP should end at byte {len(data) - _END.size} of the .tflite, "
            f"but ends at {start + size}"
        )
    return int(start)


def _check_places(entries: list[zipfile.ZipInfo], directory: int) -> None:
    """Checks that entries do not overlap and precede the directory."""
    end = 0
    for info in sorted(entries, key=lambda info: info.header_offset):
        if info.header_offset < end:
            raise ContractError("entries of the ZIP at the end of the .tflite overlap")
        end = info.header_offset + _LOCAL_HEADER + info.compress_size
    if end > directory:
        raise ContractError(
            "an entry of the ZIP at the end of the .tflite extends into its directory"
        )


def _contracts(entries: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    found = [info for info in entries if info.filename == ENTRY]
    if len(found) != 1:
        raise ContractError(
            f"{len(found)} entries {ENTRY} in the ZIP at the end of the .tflite, expected one"
        )
    info = found[0]
    if info.file_size > MAX_JSON_BYTES:
        raise ContractError(f"{ENTRY} is larger than {MAX_JSON_BYTES} bytes")
    if info.flag_bits & _ENCRYPTED:
        raise ContractError(f"{ENTRY} is encrypted, expected plain data")
    if info.compress_type not in _METHODS:
        raise ContractError(
            f"{ENTRY} uses compression method {info.compress_type}, expected 0 or 8"
        )
    mode = info.external_attr >> 16
    if info.external_attr & 0x10 or (stat.S_IFMT(mode) not in (0, stat.S_IFREG)):
        raise ContractError(f"{ENTRY} is not a regular file, its mode is {shown(oct(mode))}")
    return found


def _none(why: str) -> ContractError:
    return ContractError(
        f"no contract: the .tflite has no readable {ENTRY} in a ZIP at its end "
        f"({why[:200]}); it was not made by `python -m convert`, or it is truncated"
    )
