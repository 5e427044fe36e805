"""Kills the bot after every step of its event loop, and looks at what the next one makes of it."""
