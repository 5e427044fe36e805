"""Mutation scores of the tests of alerts: what is changed in a rule must make a test of it fail.

A change is a mutant; a test that fails for it kills it. Mutants are made of the trees of the rendered rules,
and promtool judges them, many at once: see `trial`. What people wrote and what was derived is scored apart.
"""
