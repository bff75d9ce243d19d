"""One function per command: collects from the edges, calls the core, returns an outcome. Prints nothing."""
