"""What the bot knows about trading; imports nothing but the standard library."""
