"""What a person tells the bot from a shell; needs the standard library and nothing that may be broken."""
