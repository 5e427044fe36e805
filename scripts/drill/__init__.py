"""Drills: break something in a stack of its own, and see that the right people hear of it in time."""
