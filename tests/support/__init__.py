"""What the tests share: tiny wheels, an index that can misbehave, a clean environment, interpreters."""
