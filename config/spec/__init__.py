"""Reads YAML into frozen dataclasses that know their place in the file; imports nothing else of this project."""
