"""One comparison in a process of its own, for `bench.peers`: what was found goes to a file, a line a row to stderr.

``python -m bench.peers._alone MODULE FILE [options of the comparison]``

A library that is not installed here is no failure of the comparison: its name stands in the file, as ``missing``, and
the process ends with `MISSING`. Whatever else goes wrong ends it with a traceback.
"""

import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

MISSING = 3


def main(arguments: Sequence[str]) -> int:
    """Run the comparison of a module."""
    name, path, *options = arguments
    try:
        code: int = importlib.import_module(name).COMPARISON.main([*options, "--json", path], brief=True)
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library in {"", "bench", "lar", name.partition(".")[0]}:  # a defect of ours
            raise
        file = Path(path)
        found = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        file.write_text(json.dumps({**found, "missing": library}), encoding="utf-8")
        return MISSING
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
