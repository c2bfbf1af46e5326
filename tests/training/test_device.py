import platform
from pathlib import Path

import pytest

from tests.processes import run_code

FREE_AND_ASK_AGAIN = """
import resource
import torch
from sizewise.training.device import prepare_torch

def ask():
    held = [torch.zeros(20 * 2**18) for _ in range(10)]  # of 20 MiB each

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

prepare_torch("cpu")
for _ in range(5):
    ask()
before = faults()
ask()
print(faults() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told what to keep")
def test_memory_that_a_step_frees_is_there_for_the_next(tmp_path: Path) -> None:
    done = run_code(tmp_path, FREE_AND_ASK_AGAIN)
    assert done.stderr == ""
    pages = 10 * 20 * 2**20 // 4096
    assert int(done.stdout) < pages / 10
