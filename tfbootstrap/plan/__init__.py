"""(facts, matrix, request) -> admitted versions or rejections; with a solution -> plan and lock. Layer 2: pure."""
