"""Label files as authors publish them: CSV, Excel old and new, MATLAB, text."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .errors import DataError


def stored_names(folder: Path) -> dict[str, str]:
    """Names of the files in a folder by their lower-case form; empty if it is not there.

    Labels and files often differ in capitalisation, which only some file systems forgive.
    """
    if not folder.is_dir():
        return {}
    return {entry.name.lower(): entry.name for entry in folder.iterdir()}


def number(value: object, where: str) -> float:
    """A finite number from a cell.

    Raises:
        DataError: It is none; the message begins with ``where``.
    """
    try:
        parsed = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        parsed = math.nan
    if not math.isfinite(parsed):
        raise DataError(f"{where}: not a number: {value!r}")
    return parsed


def csv_records(file: Path, columns: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Rows of a CSV file with a header.

    Args:
        file: The table.
        columns: Columns that it must have; others are passed on too.

    Yields:
        Position of the row (file name and line, for messages) and its cells by column.

    Raises:
        DataError: A column is missing or a row is short.
    """
    with file.open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.DictReader(stream)
        _need_columns(file.name, [name or "" for name in reader.fieldnames or ()], columns)
        for record in reader:
            where = f"{file.name}, line {reader.line_num}"
            if any(record[name] is None for name in columns):
                raise DataError(f"{where}: too few cells")
            yield where, record


def text_lines(file: Path) -> Iterator[tuple[str, list[str]]]:
    """The words of each line of a text file that is not blank, and its position."""
    with file.open(encoding="utf-8-sig", errors="replace") as stream:
        for count, line in enumerate(stream, start=1):
            words = line.split()
            if words:
                yield f"{file.name}, line {count}", words


def sheet_records(
    file: Path, columns: Sequence[str], sheet: str | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows below a header, wherever it is in a sheet.

    Args:
        file: .xlsx or the older .xls.
        columns: Names that the header row has. Capitals and runs of blanks do not matter.
        sheet: Name of the sheet; None takes the first one.

    Yields:
        Position of the row and its cells by the header's names, in the spelling of ``columns``
        where they are listed there. Rows whose first listed column is empty are passed over.

    Raises:
        DataError: The sheet or the header is not there, or the file is not a workbook.
    """
    wanted = {_plain(name): name for name in columns}
    header: dict[int, str] | None = None
    for count, cells in enumerate(_sheet_rows(file, sheet), start=1):
        if header is None:
            if wanted.keys() <= {_plain(cell) for cell in cells}:
                header = {
                    index: wanted.get(_plain(cell), str(cell))
                    for index, cell in enumerate(cells)
                    if _plain(cell)
                }
            continue
        record = {name: cells[index] for index, name in header.items() if index < len(cells)}
        if record.get(columns[0]) not in (None, ""):
            yield f"{file.name}, row {count}", record
    if header is None:
        raise DataError(f"{file.name}: no row of the sheet has the columns {', '.join(columns)}")


def _plain(cell: object) -> str:
    return "" if cell is None else " ".join(str(cell).lower().split())


def _sheet_rows(file: Path, sheet: str | None) -> Iterator[Sequence[Any]]:
    if file.suffix.lower() == ".xls":
        import xlrd

        try:
            book = xlrd.open_workbook(str(file))
        except xlrd.XLRDError as error:
            raise DataError(f"{file.name}: not an Excel file: {error}") from error
        page = book.sheet_by_name(_sheet(file, sheet, book.sheet_names()))
        for index in range(page.nrows):
            yield page.row_values(index)
        return
    from zipfile import BadZipFile

    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        workbook = openpyxl.load_workbook(file, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError) as error:
        raise DataError(f"{file.name}: not an Excel file: {error}") from error
    try:
        title = _sheet(file, sheet, workbook.sheetnames)
        yield from workbook[title].iter_rows(values_only=True)
    finally:
        workbook.close()


def _sheet(file: Path, wanted: str | None, names: Sequence[str]) -> str:
    if wanted is None:
        return names[0]
    for name in names:
        if _plain(name) == _plain(wanted):
            return name
    raise DataError(f"{file.name}: there is no sheet {wanted!r}, only {', '.join(names)}")


def matlab(file: Path, *names: str) -> list[Any]:
    """Variables of a MATLAB file.

    Args:
        file: .mat, version 4 to 7.2.
        *names: Variables.

    Returns:
        Arrays in the order of the names.

    Raises:
        DataError: The file is none, is newer, or lacks a variable.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        content = loadmat(file)
    except (MatReadError, NotImplementedError, ValueError, TypeError) as error:
        raise DataError(f"{file.name}: not a MATLAB file that can be read: {error}") from error
    missing = [name for name in names if name not in content]
    if missing:
        raise DataError(f"{file.name}: has no variable {', '.join(missing)}")
    return [content[name] for name in names]


def cell_strings(cells: Any) -> list[str]:
    """Texts of a MATLAB cell array, which may be wrapped once or twice, or of a char matrix."""
    import numpy as np

    texts = []
    for cell in np.asarray(cells).ravel():
        while isinstance(cell, np.ndarray) and cell.size:
            cell = cell.ravel()[0]
        texts.append(str(cell).strip() if not isinstance(cell, np.ndarray) else "")
    return texts


def floats(values: Any) -> list[float]:
    """Numbers of a MATLAB row or column."""
    import numpy as np

    return [float(value) for value in np.asarray(values, np.float64).ravel()]


def _need_columns(file: str, found: Sequence[str], wanted: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in found]
    if missing:
        raise DataError(f"{file}: no column {', '.join(missing)}; it has {', '.join(found)}")
