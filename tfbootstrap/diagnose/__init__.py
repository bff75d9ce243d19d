"""From an error text to its cause and the next step. Layer 2: pure; lines go in, findings come out."""
