"""Measurements, run by hand (`python -m tests.benchmarks.<name>`): they print numbers and judge nothing."""
