"""Scripts run in a process of their own, for what a process can do to itself only once."""

import json
import subprocess
import sys
import textwrap
from typing import Any


def in_a_process(source: str, *arguments: object) -> Any:
    """Run a script that prints JSON; return that."""
    start = f"import sys; sys.path[:] = {[one for one in sys.path if one]!r}\nimport json, os, pathlib\n"
    command = [sys.executable, "-c", start + textwrap.dedent(source), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)
