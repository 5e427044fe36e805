"""The ways in and out of the bot; no adapter imports another."""
