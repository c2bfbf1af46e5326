"""Sections of RESULTS.md and ANSWERS.md that a benchmark writes itself."""

import os
import platform
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from statistics import median

import torch

RESULTS = Path(__file__).with_name("RESULTS.md")
ANSWERS = Path(__file__).with_name("ANSWERS.md")


def setting(command: str, packages: Sequence[str] = ("torch",)) -> str:
    """Return the sentence that says what was run where, of which commit and versions."""
    git = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"`{command}` at commit {commit}; Python {platform.python_version()}, {versions}; "
        f"{_processor()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads. "
        "This section is written by the command."
    )


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def ratio(pairs: Sequence[tuple[float, float]]) -> tuple[float, str]:
    """Return the median of the pairs' ratios, and it in words with the lowest and highest."""
    ratios = [own / other for own, other in pairs]
    middle = median(ratios)
    return middle, f"{middle:.2f} [{min(ratios):.2f}, {max(ratios):.2f}]"


def verdict(met: bool) -> str:
    """Return how a target fares."""
    return "met" if met else "**missed**"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_section(heading: str, *paragraphs: str, file: Path = RESULTS) -> None:
    """Print the section and put it into the file, in the place of the last of that heading.

    Text under a heading of the third level is by hand, and stays.
    """
    section = "\n\n".join([f"## {heading}", *paragraphs])
    print(section)
    text = file.read_text()
    before, found, rest = text.partition(f"## {heading}\n")
    if not found:
        file.write_text(f"{text.rstrip()}\n\n{section}\n")
        return
    own, next_heading, after = rest.partition("\n## ")
    _, by_hand, kept = own.partition("\n### ")
    file.write_text(f"{before.rstrip()}\n\n{section}\n{by_hand}{kept}{next_heading}{after}")
