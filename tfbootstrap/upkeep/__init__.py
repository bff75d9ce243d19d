"""Maintainers' programs that refresh and prove the matrix (`python -m tfbootstrap.upkeep`); nothing imports them."""
