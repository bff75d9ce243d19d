"""The code that a bootstrap is made of: standard library only, Python 3.7 syntax and APIs.

The modules here import the standard library and each other, nothing else. `tfbootstrap.render` joins their sources into
one file, so every top-level name is unique over all of them and no name is renamed on import. The command line uses the
same files, so that there is one truth, tested once.
"""
