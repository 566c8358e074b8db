from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.datasets.manifest import (
    SPLITS,
    DataError,
    ManifestRow,
    data_root,
    load_manifest,
    rows_digest,
    save_manifest,
    select,
    work_dir,
)

rows = st.builds(
    ManifestRow,
    path=st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1),
    mos=st.floats(0, 1),
    std=st.none() | st.floats(0, 1),
    split=st.sampled_from(SPLITS),
    subset=st.text(st.characters(exclude_categories=("Cs", "Cc"))),
    reference=st.text(st.characters(exclude_categories=("Cs", "Cc"))),
)


@given(st.lists(rows, max_size=5))
def test_what_is_saved_is_loaded_again_exactly(
    tmp_path_factory: pytest.TempPathFactory, written: list[ManifestRow]
) -> None:
    file = tmp_path_factory.mktemp("manifest") / "m.csv"
    save_manifest(written, file)
    assert load_manifest(file) == written


def test_manifests_without_references_are_read_still(tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    file.write_text("path,mos,std,split,subset\na.jpg,0.5,0.25,train,ss01\n")
    assert load_manifest(file) == [ManifestRow("a.jpg", 0.5, 0.25, "train", "ss01")]


def test_digests_of_rows_without_a_reference_are_those_of_old() -> None:
    row = ManifestRow("BIQ2021/Images/ss03 (3753).jpg", 0.8471, None, "train", "ss03")
    assert repr(row) == (
        "ManifestRow(path='BIQ2021/Images/ss03 (3753).jpg', mos=0.8471, std=None, "
        "split='train', subset='ss03')"
    )
    # As the code before references gave it.
    assert rows_digest([row]) == "d7c31435c02ab9a57d8d28e3a6c5409d09c6aa8ebac3dd369cff4761bad50800"
    other = ManifestRow("a.jpg", 0.5, None, "train", "", "scene")
    assert repr(other).endswith("subset='', reference='scene')")
    assert rows_digest([other]) != rows_digest([ManifestRow("a.jpg", 0.5, None, "train", "")])


@pytest.mark.parametrize("mos", [-0.1, 1.1, float("nan")])
def test_mos_outside_the_scale_is_refused(mos: float) -> None:
    with pytest.raises(DataError, match=f"got {mos}"):
        ManifestRow("a.jpg", mos, None, "train", "")


def test_unknown_split_and_negative_std_are_refused() -> None:
    with pytest.raises(DataError, match="split"):
        ManifestRow("a.jpg", 0.5, None, "exam", "")
    with pytest.raises(DataError, match="std"):
        ManifestRow("a.jpg", 0.5, -0.1, "train", "")


def test_bad_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    file.write_text("path,mos,std,split,subset\na.jpg,0.5,,train,\nb.jpg,much,,train,\n")
    with pytest.raises(DataError, match="line 3"):
        load_manifest(file)
    file.write_text("image,score\n")
    with pytest.raises(DataError, match="columns"):
        load_manifest(file)


def test_missing_manifest_says_which_command_makes_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="convert data"):
        load_manifest(tmp_path / "none.csv")


def test_select_refuses_a_split_without_pictures() -> None:
    row = ManifestRow("a.jpg", 0.5, None, "train", "")
    assert select([row], "train") == [row]
    with pytest.raises(DataError, match="no test pictures"):
        select([row], "test")
    with pytest.raises(DataError, match="split must be"):
        select([row], "exam")


def test_folders_come_from_argument_or_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EDGEIQA_DATA", raising=False)
    with pytest.raises(DataError, match="EDGEIQA_DATA"):
        data_root()
    with pytest.raises(DataError, match="not a folder"):
        data_root(tmp_path / "none")
    monkeypatch.setenv("EDGEIQA_DATA", str(tmp_path))
    assert data_root() == tmp_path
    monkeypatch.setenv("EDGEIQA_WORK", str(tmp_path / "w"))
    assert work_dir().is_dir()
    assert work_dir() == tmp_path / "w"
