"""tfbootstrap: the right TensorFlow for a machine, locked with hashes, installed and verified."""

__all__ = ["__version__"]

__version__ = "0.1.0"
