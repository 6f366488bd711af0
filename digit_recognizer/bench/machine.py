"""The machine that the figures were measured on: processor, memory, libraries, day.

In: nothing. Out: a few lines of text. What always holds: a fact that the system does not report is
left out, never guessed.
"""

import os
import platform
import subprocess
from datetime import datetime
from pathlib import Path

from digit_recognizer.runs.environment import available_cores, describe_environment


def describe_machine() -> list[str]:
    facts = describe_environment(available_cores())
    libraries = (f"{name} {version}" for name, version in facts["libraries"].items())
    return [
        f"{_processor()}, {available_cores()} cores, {_memory()}".rstrip(", "),
        f"{facts['platform']}, Python {facts['python']}, {', '.join(libraries)}",
        f"{datetime.now():%Y-%m-%d %H:%M}, commit {facts['commit'][:12]}",
        # Other work on the machine makes every measurement below slower.
        f"load before the measurements: {os.getloadavg()[0]:.2f}",
    ]


def _processor() -> str:
    """Return the processor's name."""
    try:
        if platform.system() == "Darwin":
            command = ["sysctl", "-n", "machdep.cpu.brand_string"]
            return subprocess.run(
                command, capture_output=True, text=True, check=True
            ).stdout.strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except (OSError, subprocess.CalledProcessError):
        pass
    return platform.processor() or platform.machine()


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    except (ValueError, OSError):
        return ""
