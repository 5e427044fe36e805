"""Tests of alerts at the edges of their specs, derived: which series to show, and what must fire then."""
