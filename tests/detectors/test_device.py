"""Where detectors compute: the choice, its words, and what it costs those who need no torch."""

import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from detectors.detection import DetectorError
from detectors.device import (
    OPENVINO_ONE_THREAD,
    choose_device,
    limit_threads,
    limit_torch_threads,
    openvino_quick,
)


def has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def test_auto_takes_what_is_there_and_cpu_is_always_there() -> None:
    assert choose_device("auto") == ("cuda" if has_cuda() else "cpu")
    assert choose_device("cpu") == "cpu"


def test_cuda_where_there_is_none_is_said_with_what_to_do() -> None:
    if has_cuda():
        assert choose_device("cuda") == "cuda"
        return
    with pytest.raises(DetectorError, match=r"service\.device is 'cuda', but .* set it to 'auto' or 'cpu'"):
        choose_device("cuda")


def test_threads_are_limited_on_purpose() -> None:
    import torch

    limit_threads()
    limit_torch_threads()
    assert cv2.getNumThreads() == 1
    assert torch.get_num_threads() == 1


@pytest.mark.parametrize(
    ("flags", "precision"),
    [("avx2", "f32"), ("avx2 avx512_bf16", "f32"), ("avx512_bf16 amx_bf16 amx_tile", None)],
)
def test_half_precision_is_left_to_openvino_only_where_it_is_quicker(
    tmp_path: Path, flags: str, precision: str | None
) -> None:
    (tmp_path / "cpuinfo").write_text(f"model name\t: one\nflags\t\t: fpu {flags} sse2\n")
    assert openvino_quick(tmp_path / "cpuinfo").get("INFERENCE_PRECISION_HINT") == precision
    assert openvino_quick(tmp_path / "none") == OPENVINO_ONE_THREAD


def test_those_who_need_no_torch_do_not_load_it() -> None:
    code = (
        "import sys, detectors.examiner, detectors.quality.detector, detectors.device as d; "
        "d.choose_device('cpu'); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
