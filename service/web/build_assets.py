"""Put the page's player, wavesurfer.js, where the page finds it: `python -m service.web.build_assets`.

It comes from npm at set-up, in the version and with the hash of `package-lock.json`. Where npm is missing or
cannot reach a registry, the page uses the browser's own player and everything else works as before.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from service.web.vendor import VENDOR, WAVESURFER

ROOT = Path(__file__).resolve().parents[2]
LICENCE = "wavesurfer.LICENSE.txt"
NPM_TIMEOUT_S = 300


def build(*, root: Path = ROOT, vendor: Path = VENDOR) -> str:
    """Fetch wavesurfer where needed and copy it to the page's static files.

    Parameters
    ----------
    root : Path
        Folder of `package.json` and `package-lock.json`.
    vendor : Path
        Folder that the page serves it from.

    Returns
    -------
    str
        One line for people: what was done, or why the page goes without.
    """
    stamp = vendor / "package-lock.json"
    lock = root / "package-lock.json"
    if stamp.is_file() and stamp.read_bytes() == lock.read_bytes() and (vendor / WAVESURFER).is_file():
        return "page assets: up to date"
    npm = shutil.which("npm")
    if npm is None:
        return _without("npm is not installed", "For the waveform player: install Node.js, then `make assets`.")
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=NPM_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return _without(f"npm took longer than {NPM_TIMEOUT_S} s", "Try `make assets` again later.")
    if done.returncode != 0:
        reason = (done.stderr.strip() or "no reason given").splitlines()[0]
        return _without(f"npm failed ({reason})", "Try `make assets` again later.")
    vendor.mkdir(parents=True, exist_ok=True)
    package = root / "node_modules" / "wavesurfer.js"
    shutil.copyfile(package / "dist" / WAVESURFER, vendor / WAVESURFER)
    shutil.copyfile(package / "LICENSE", vendor / LICENCE)
    shutil.copyfile(lock, stamp)
    return f"page assets: {WAVESURFER} is in {vendor}"


def _without(reason: str, way_out: str) -> str:
    return f"page assets: {reason}, so the page uses the browser's own player. {way_out}"


if __name__ == "__main__":
    sys.stdout.write(build() + "\n")
