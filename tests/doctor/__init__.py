"""Doctor: what it finds in environments, and in healthy ones not."""
