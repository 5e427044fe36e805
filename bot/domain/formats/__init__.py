"""How people write signals: tables of words, and the readers that use them; see bot/domain/parser.py."""
