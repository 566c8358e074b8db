"""The runtime is light: no TensorFlow, and nothing loaded before it is needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import edgeiqa

PACKAGE = Path(edgeiqa.__file__).parent
HEAVY = ("tensorflow", "keras", "tf_keras", "torch", "tensorflow_model_optimization", "jax")


def python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=PACKAGE.parent, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_photograph_is_scored_where_no_training_library_can_be_imported() -> None:
    python(
        f"""
import sys

heavy = {(*HEAVY, "convert", "scipy", "cv2", "matplotlib", "h5py")!r}

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in heavy:
            raise ImportError(f"{{name}} is not allowed in the runtime")

sys.meta_path.insert(0, Refuse())
import edgeiqa
from edgeiqa.cli.main import main

paths = edgeiqa.sample_paths()
assert 0 <= edgeiqa.Scorer().score(paths[0]).score <= 100
assert main(["score", str(paths[0]), "--format", "json"]) == 0
assert main(["models"]) == 0
for name in edgeiqa.__all__:
    getattr(edgeiqa, name)
loaded = sorted(name for name in sys.modules if name.partition(".")[0] in heavy)
assert not loaded, loaded
"""
    )


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = python("import edgeiqa, sys; print(*sys.modules)").split()
    third_party = {"numpy", "PIL", "ai_edge_litert", "tflite_runtime", *HEAVY}
    assert not third_party.intersection(loaded)
    assert [name for name in loaded if name.startswith("edgeiqa.")] == [
        "edgeiqa._deprecated",
        "edgeiqa._version",
    ]


def test_help_loads_neither_numpy_nor_pillow() -> None:
    loaded = python(
        "import sys\nfrom edgeiqa.cli.main import main\nmain(['--help'])\nprint('|', *sys.modules)"
    )
    assert not {"numpy", "PIL", "ai_edge_litert"}.intersection(loaded.partition("|")[2].split())


def test_the_gate_and_the_contract_need_no_model_runtime() -> None:
    loaded = python(
        "import sys\nfrom edgeiqa import Gate, Quality\nGate('strict')(Quality(50.0))\n"
        "print(*sys.modules)"
    ).split()
    assert not {"PIL", "ai_edge_litert"}.intersection(loaded)


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_only_the_promised_packages_are_imported(path: Path) -> None:
    allowed = {"edgeiqa", "numpy", "PIL", "ai_edge_litert", "tflite_runtime"}
    allowed |= set(sys.stdlib_module_names)
    optional = {
        "bench/environment.py": {"psutil"},
        "bench/opencv_baselines.py": {"cv2"},
        "cli/main.py": {"shtab"},
        "imaging/openers.py": {"pillow_heif"},
        "imaging/raw_preview.py": {"rawpy"},
        "integrations/ray.py": {"ray", "pyarrow"},
        "results/parquet.py": {"pyarrow"},
        "sinks/mqtt.py": {"paho"},
        "sinks/terminal.py": {"rich"},
        "sinks/video_file.py": {"av"},
        "sources/av.py": {"av"},
        "sources/picamera2.py": {"picamera2"},
    }
    allowed |= optional.get(path.relative_to(PACKAGE).as_posix(), set())
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names = [node.module or ""]
        for name in names:
            assert name.partition(".")[0] in allowed, f"{path.name} imports {name}"


def test_everything_promised_is_there() -> None:
    for name in edgeiqa.__all__:
        assert getattr(edgeiqa, name) is not None
    assert dir(edgeiqa) == sorted(edgeiqa.__all__)
    with pytest.raises(AttributeError, match="no_such_thing"):
        edgeiqa.no_such_thing  # noqa: B018


def test_samples_are_there_good_and_spoilt() -> None:
    names = [path.stem for path in edgeiqa.sample_paths()]
    assert len(names) >= 6
    spoilt = [name for name in names if "-" in name]
    assert spoilt
    assert all(name.partition("-")[0] in names for name in spoilt)
