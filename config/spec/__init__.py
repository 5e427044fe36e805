"""Reads YAML into frozen dataclasses that know their place; imports nothing else of this project."""
