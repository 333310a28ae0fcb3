"""What a real browser makes of a page."""

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

__all__ = ["needs_browser", "open_page"]

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no chromium on PATH; apt-get install chromium")


def open_page(page: str, folder: Path, width: int = 1280) -> tuple[dict[str, Any], list[str]]:
    """Open a page whose script writes JSON into ``<output id="look">``; give that, and the lines of the console."""
    (folder / "page.html").write_text(page, encoding="utf-8")
    arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr"]
    arguments += ["--v=0", f"--user-data-dir={folder / 'profile'}", f"--window-size={width},900", "--dump-dom"]
    command = [str(BROWSER), *arguments, (folder / "page.html").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    seen = re.search(r'<output id="look">(.*?)</output>', done.stdout, re.DOTALL)
    assert seen, f"the page was not loaded: {done.stderr[-2000:]}"
    return json.loads(unescape(seen.group(1))), [line for line in done.stderr.splitlines() if "CONSOLE" in line]
