"""The command line: options, tables, progress and exit codes. The only place that prints."""
