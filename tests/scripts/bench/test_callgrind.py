"""Instructions are counted once each, where they were executed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from scripts.bench.callgrind import by_part, counted, part_of, self_costs
from scripts.bench.cold_start import RUN, make_pictures
from tests.tools import needs

DUMP = """# callgrind format
version: 1
part: 2
positions: line
events: Ir
summary: 60

ob=(1) /venv/lib/python3.11/site-packages/ai_edge_litert/_pywrap_litert.so
fl=(1) x.cc
fn=(1) run
10 7
+2 3
cob=(2) /lib/x86_64-linux-gnu/libc.so.6
cfi=(2) memcpy.c
cfn=(2) memcpy
calls=1 0
* 20
ob=(2)
fl=(2)
fn=(2)
0 20
ob=(3) /opt/python/lib/libpython3.11.so.1.0
fn=(3) eval
-1 30

totals: 60
"""


def test_callees_are_not_counted_twice() -> None:
    assert by_part(self_costs(DUMP)) == {"Python": 30, "C library": 20, "LiteRT": 10}


def test_a_count_that_does_not_add_up_is_refused() -> None:
    with pytest.raises(ValueError, match="60 instructions found, callgrind counted 61"):
        self_costs(DUMP.replace("totals: 60", "totals: 61"))


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/v/lib/python3.11/site-packages/numpy/_core/_multiarray_umath.so", "NumPy"),
        ("/v/lib/python3.11/site-packages/numpy.libs/libopenblas.so", "NumPy"),
        ("/v/lib/python3.11/site-packages/PIL/_imaging.cpython-311-x86_64-linux-gnu.so", "Pillow"),
        ("/v/lib/python3.11/site-packages/pillow.libs/libjpeg-1.so", "Pillow"),
        ("/v/lib/python3.11/site-packages/ai_edge_litert/libx.so", "LiteRT"),
        ("/v/lib/python3.11/site-packages/cv2/cv2.abi3.so", "OpenCV"),
        ("/v/lib/python3.11/lib-dynload/_json.cpython-311-x86_64-linux-gnu.so", "Python"),
        ("/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", "C library"),
        ("/usr/lib/x86_64-linux-gnu/libstdc++.so.6", "other"),
        ("???", "other"),
    ],
)
def test_object_files_belong_to_parts(path: str, part: str) -> None:
    assert part_of(path) == part


@pytest.mark.slow
def test_a_real_start_is_counted_step_by_step(tmp_path: Path) -> None:
    needs("valgrind")
    frame = make_pictures(tmp_path)["frame"]
    words = [sys.executable, str(RUN), "frame", str(frame), "nano", "plain", "3"]
    steps, said = counted(words, tmp_path)
    names = [name for name, _ in json.loads(said)["marks"]]
    assert len(steps) == len(names)
    found = dict(zip(names, steps, strict=True))
    assert names[-3:] == ["score 1", "score 2", "score 3"]
    # The network does 112 million multiply-accumulates; AVX2 does up to 32 at once.
    assert 3.5e6 < found["score 3"]["LiteRT"] < 112e6
    assert found["score 3"]["Pillow"] > 1e6
    total, before = (sum(found[name].values()) for name in ("score 3", "score 2"))
    assert abs(total - before) / total < 0.05
    assert found["numpy"]["Python"] > 1e7
