"""A model of what Alertmanager sends, to whom and when, computed from its rendered configuration.

It follows the source of Alertmanager 0.33 and 0.34, and scripts/dispatch holds it against the real program.
Not modelled: silences that people make, receivers that refuse, clusters, and that resolved sources of an
inhibition are swept out every quarter of an hour.
"""
