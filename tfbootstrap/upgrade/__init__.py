"""What an upgrade of TensorFlow changes: for packages, machines and code. Layer 2: pure."""
