"""The quota holds and nobody else's file is touched, whatever happens around it."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from edgeiqa import Frame
from edgeiqa.quality import Quality
from edgeiqa.sinks.jpeg import encode, is_ours, name_of
from edgeiqa.sinks.quota_folder import QuotaFolder, SaveError

START_NS = 1_795_521_662_000_000_000
FRAME = Frame(np.zeros((8, 8, 3), np.uint8))


def picture(name: str, size: int) -> bytes:
    """A picture of this package of N bytes; what follows a JPEG's end is ignored."""
    data = encode(FRAME, Quality(50.0), name, START_NS)
    assert len(data) <= size
    return data + bytes(size - len(data))


def save(folder: QuotaFolder, second: int, size: int = 3000) -> str:
    name = folder.free_name(name_of(START_NS + second * 10**9, 50.0))
    return os.path.basename(folder.save(name, picture(name, size)))


class Quota(RuleBasedStateMachine):
    """A folder that is used, disturbed, closed and opened again."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = contextlib.ExitStack()
        self.root = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.foreign: dict[str, bytes] = {}
        self.saved: set[str] = set()
        self.second = 0
        self.fits = True

    @initialize(quota=st.integers(1, 30_000))
    def open(self, quota: int) -> None:
        self.quota = quota
        self.folder = QuotaFolder(str(self.root), quota)

    @rule(size=st.integers(2000, 12_000), later=st.integers(-1, 2))
    def save(self, size: int, later: int) -> None:
        self.second += later
        before = self.ours()
        name = None
        with contextlib.suppress(SaveError):
            name = save(self.folder, self.second, size)
        after = self.ours()
        if name is None:
            assert size > self.quota
            assert after == before
            return
        self.saved.add(name)
        self.fits = True
        gone = sorted(before.keys() - after.keys())
        assert gone == sorted(before)[: len(gone)]  # The oldest,
        if gone and self.known == before:  # and no more than had to go.
            assert sum(before.values()) + size - sum(before[one] for one in gone[:-1]) > self.quota

    @rule(name=st.sampled_from(["holiday.jpg", "20260101T000000.000Z_50.0.jpg", ".hidden", "a"]))
    def somebody_else_writes(self, name: str) -> None:
        self.foreign[name] = os.urandom(500)
        (self.root / name).write_bytes(self.foreign[name])

    @rule()
    def somebody_removes_one_of_ours(self) -> None:
        for name in list(self.ours())[:1]:
            (self.root / name).unlink()

    @rule(quota=st.integers(1, 30_000))
    def open_again(self, quota: int) -> None:
        self.folder.close()
        (self.root / ".x.jpg.edgeiqa-part").write_bytes(b"half")  # A run that was killed.
        self.folder = QuotaFolder(str(self.root), quota)
        self.quota, self.fits = quota, False  # A lower quota holds from the next picture on.
        assert self.known == self.ours()
        assert not list(self.root.glob(".*part"))

    def ours(self) -> dict[str, int]:
        return {
            path.name: path.stat().st_size
            for path in sorted(self.root.iterdir())
            if path.name in self.saved or is_ours(str(path))
        }

    @property
    def known(self) -> dict[str, int]:
        return self.folder._files

    @invariant()
    def quota_holds(self) -> None:
        used = sum(self.ours().values())
        assert used <= self.folder.used
        assert used <= self.quota or not self.fits

    @invariant()
    def foreign_files_stay(self) -> None:
        for name, data in self.foreign.items():
            assert (self.root / name).read_bytes() == data

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.close()
        self.stack.close()


Quota.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestQuota = Quota.TestCase


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 200 kB; needs root."""
    path = tmp_path / "disk"
    path.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(path)]
    try:
        done = subprocess.run(words, capture_output=True)
    except OSError:
        pytest.skip("no mount")
    if done.returncode:
        pytest.skip("a small file system needs root")
    yield path
    subprocess.run(["umount", str(path)], check=True)


def test_a_picture_never_overwrites_another(tmp_path: Path) -> None:
    with QuotaFolder(str(tmp_path), 100_000) as folder:
        names = [save(folder, 0) for _ in range(3)]
        assert names == [
            "20261124T120102.000Z_50.0.jpg",
            "20261124T120102.000Z_50.0-1.jpg",
            "20261124T120102.000Z_50.0-2.jpg",
        ]
        taken = name_of(START_NS + 10**9, 50.0)
        (tmp_path / taken).write_text("somebody's")
        with pytest.raises(SaveError):
            folder.save(taken, picture(taken, 3000))
    assert (tmp_path / taken).read_text() == "somebody's"


def test_the_oldest_go_first_and_an_earlier_run_counts(tmp_path: Path) -> None:
    with QuotaFolder(str(tmp_path), 10_000) as folder:
        names = [save(folder, second) for second in range(3)]
    with QuotaFolder(str(tmp_path), 10_000) as folder:
        assert (folder.count, folder.used) == (3, 9000)
        names.append(save(folder, 9))
        assert (folder.count, folder.used, folder.removed) == (3, 9000, 1)
        assert sorted(os.listdir(tmp_path)) == names[1:]
        with pytest.raises(SaveError, match=r"12 kB is larger than the quota of 10 kB"):
            save(folder, 10, 12_000)
        assert sorted(os.listdir(tmp_path)) == names[1:]


@pytest.mark.parametrize("foreseen", [True, False])
def test_a_full_disk_leaves_nothing_half_written(
    small_disk: Path, foreseen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not foreseen:  # As where a disk has quotas of its own, or fills up at that moment.
        monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=10**12))
    with QuotaFolder(str(small_disk), 10**9) as folder:
        save(folder, 0, 100_000)
        with pytest.raises(SaveError, match="No space left on device") as caught:
            save(folder, 1, 150_000)
        assert caught.value.errno == errno.ENOSPC
        assert len(os.listdir(small_disk)) == 1
        (small_disk / os.listdir(small_disk)[0]).unlink()
        save(folder, 2, 150_000)


def test_a_reserve_of_the_disk_stays_free(small_disk: Path) -> None:
    with QuotaFolder(str(small_disk), 10**9, 100_000) as folder:
        save(folder, 0, 60_000)
        with pytest.raises(SaveError, match="less than 100 kB would be left"):
            save(folder, 1, 60_000)
        assert folder.count == 1  # Not a reason to remove what is there.
    with QuotaFolder(str(small_disk), 100_000, 100_000) as folder:
        save(folder, 2, 60_000)  # The older one makes room.
        assert (folder.count, folder.removed) == (1, 1)


@pytest.mark.skipif(os.name == "nt", reason="locks of Unix")
def test_only_one_process_saves_in_a_folder(tmp_path: Path) -> None:
    code = (
        "import sys; from edgeiqa.sinks.quota_folder import QuotaFolder as Folder\n"
        "Folder(sys.argv[1], 9)"
    )
    words = [sys.executable, "-c", code, str(tmp_path)]
    root = Path(__file__).resolve().parents[3]
    with QuotaFolder(str(tmp_path), 10):
        done = subprocess.run(words, cwd=root, capture_output=True, text=True)
        assert "another process saves there" in done.stderr
    assert subprocess.run(words, cwd=root).returncode == 0


def test_folders_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SaveError, match="cannot save in"):
        QuotaFolder(str(tmp_path / "file"), 10)
    with pytest.raises(SaveError, match="Not a directory"):
        QuotaFolder(str(tmp_path / "file" / "below"), 10)
    with pytest.raises(ValueError, match="quota is 0"):
        QuotaFolder(str(tmp_path), 0)
