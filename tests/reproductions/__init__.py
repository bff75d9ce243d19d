"""Failures made for real: break an environment, run, diagnose what it prints, do what the printed fix says, run again.

Each recipe of `recipes.yaml` starts from an environment that works (the pins of a proof, or a bare Python). All of them
take half an hour and the real package index: `python -m tests.reproductions`, with ids to run only these.
"""
