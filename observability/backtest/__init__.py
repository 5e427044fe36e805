"""Says how often and how long each alert would have fired on what a Prometheus has recorded."""
