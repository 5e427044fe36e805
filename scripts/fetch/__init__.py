"""Where outside programs come from: one module per source, used by scripts/tools.py."""
