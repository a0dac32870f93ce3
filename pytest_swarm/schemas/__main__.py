"""`python -m pytest_swarm.schemas [FOLDER]`: write the JSON Schemas, by default where they ship."""

from __future__ import annotations

import sys
from pathlib import Path

from pytest_swarm.schemas import write_schemas

if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for path in write_schemas(folder):
        sys.stdout.write(f"wrote {path}\n")
