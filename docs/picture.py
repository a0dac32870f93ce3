"""The picture of a page in the README: a seeded run on the simulator, and headless Chromium.

    python -m docs.picture

It takes about two minutes. The picture is `docs/images/page.png`, 900 pixels wide.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
TARGET: Final = ROOT / "docs" / "images" / "page.png"
SIZE: Final = "900,760"
RUN: Final = (
    *("benchmarks/test_workflowgen.py", "--swarm-jobs=40", "--swarm-seed=1", "--swarm-backend=sim"),
    *("--swarm-compare=milp,greedy,best-single,single:gemma2:2b", "--swarm-horizon=1", "--swarm-vram=8GB"),
)


def main() -> None:
    """Run the benchmark, and take the picture of its page."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("docs.picture: there is no Chromium; install one, or leave the picture as it is")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        pytest = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *RUN, f"--swarm-report=html:{page}")
        subprocess.run(pytest, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        TARGET.parent.mkdir(exist_ok=True)
        subprocess.run(
            (
                browser,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                f"--window-size={SIZE}",
                f"--screenshot={TARGET}",
                page.as_uri(),
            ),
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=120,
        )
    print(f"wrote {TARGET.relative_to(ROOT)}, {TARGET.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
