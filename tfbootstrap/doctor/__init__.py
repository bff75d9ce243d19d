"""From what is installed here and what is known about it to findings. Layer 2: pure; records in, findings out."""
