"""The compiler: specs in, Prometheus, Alertmanager and Grafana files out, proved by their own tools."""
