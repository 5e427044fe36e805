"""Benchmarks: ratios against a floor measured in the same run, never bare times of one machine."""
