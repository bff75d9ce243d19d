"""The only place with subprocesses, HTTP, files, the environment and clocks. Sees errors and records, nothing above."""
