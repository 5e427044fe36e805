"""A simulator of BingX's USDT-M perpetual swaps over HTTP: no real exchange, no real money.

It shares no code with the bot's client on purpose: what the two agree on, they read in BingX's documents.
Read it in this order: market, order, request, rules, account, book, answers, http.
"""
