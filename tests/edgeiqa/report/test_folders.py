"""The table of folders."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgeiqa.report.items import common_folder, folders_of, label_of
from tests.edgeiqa.report.pages import accepted, photos, rejected, result


def test_counts_medians_and_shares() -> None:
    found = folders_of(
        photos(
            accepted("x/a/1.jpg", 80),
            rejected("x/a/2.jpg", 20),
            rejected("x/a/3.jpg", 30),
            result("x/a/4.jpg", None),
            result("x/b/5.jpg", 64),
            result("x/c/6.jpg", None),
        )
    )
    assert [(f.path, f.label) for f in found] == [("x/a", "a"), ("x/b", "b"), ("x/c", "c")]
    assert [(f.count, f.unreadable, f.rejected, f.judged) for f in found] == [
        (4, 1, 2, 3),
        (1, 0, 0, 0),
        (1, 1, 0, 0),
    ]
    assert [f.median for f in found] == [30, 64, None]
    assert [f.share_rejected for f in found] == [2 / 3, None, None]


def test_labels_leave_out_what_all_share() -> None:
    assert common_folder(["/p/a", "/p/a/b", "/p/c"]) == "/p"
    assert common_folder(["/p/a", "q"]) == ""
    assert label_of("/p/a/b", "/p") == "a/b"
    assert label_of("/p", "/p") == "p"
    assert label_of("", "") == "."
    assert label_of("a/../b", "") == "a/../b"


@given(
    st.lists(
        st.tuples(st.sampled_from(["", "a", "a/b", "/c", "a//b"]), st.floats(0, 100) | st.none()),
        max_size=30,
    )
)
def test_every_photograph_is_in_one_folder(cases: list[tuple[str, float | None]]) -> None:
    everything = photos(
        *(
            result(f"{folder}/{number}.jpg" if folder else f"{number}.jpg", score)
            for number, (folder, score) in enumerate(cases)
        )
    )
    found = folders_of(everything)
    assert sum(folder.count for folder in found) == len(cases)
    assert sum(f.unreadable for f in found) == sum(score is None for _, score in cases)
    assert len({folder.path for folder in found}) == len(found)
