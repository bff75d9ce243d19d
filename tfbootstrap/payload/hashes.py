"""Compares files with hashes as RECORD has them: `sha256=` and base64 that is safe in addresses, without padding."""

import base64
import hashlib
import os


def has_hash(folder: str, path: str, recorded: str) -> bool:
    """Say whether a file has the hash that RECORD names, or any content where it names none."""
    kind, _, expected = recorded.partition("=")
    if not expected:
        return True
    digest = hashlib.new(kind)
    try:
        with open(os.path.join(folder, path), "rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
    except OSError:
        return False
    return base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=") == expected
