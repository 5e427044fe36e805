"""What the make targets call: set-up, tools, the local stack, drills."""
