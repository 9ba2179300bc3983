"""What the page has from elsewhere: the waveform player, if set-up could get it."""

from pathlib import Path

VENDOR = Path(__file__).parent / "static" / "vendor"
WAVESURFER = "wavesurfer.esm.js"


def has_player() -> bool:
    """Whether the page has wavesurfer; without it, the browser's own player is used."""
    return (VENDOR / WAVESURFER).is_file()
