"""Holds the model of Alertmanager's dispatch against a real one that reads the same configuration."""
