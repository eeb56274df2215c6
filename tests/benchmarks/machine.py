"""What the results were measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def describe(peers: Mapping[str, str], load: float) -> str:
    """One line: processor, cores, operating system, Python, peers; and how busy the machine was before."""
    cores = os.cpu_count() or 1
    parts = [
        f"{_processor()}, {cores} core{'s'[: cores > 1]}",
        f"{platform.system()} {platform.release()}",
        f"{platform.python_implementation()} {platform.python_version()}",
        *(f"{name} {version}" for name, version in peers.items()),
        f"load before: {load:.1f}",
    ]
    return "; ".join(parts)


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    if platform.system() == "Darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    return platform.machine()
