"""Reads our own payload as text: what a bootstrap is made of."""

from __future__ import annotations

import importlib.resources


def read_payload() -> dict[str, str]:
    """Return payload module -> its source."""
    folder = importlib.resources.files("tfbootstrap") / "payload"
    return {
        entry.name.removesuffix(".py"): entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".py")
    }
