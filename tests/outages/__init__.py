"""What faults cost: one fault at a time, while hundreds of readers follow and authors post (docs/faults.md)."""
