"""The curated compatibility data as frozen records, and the strict reader of its files. Layer 1: pure."""
