"""Maintainers' programs that refresh and prove the matrix (`python -m tfbootstrap.upkeep`). Imported by nothing else."""
