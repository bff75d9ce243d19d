"""Tests of `tfbootstrap.diagnose`."""
