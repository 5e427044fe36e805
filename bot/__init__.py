"""The trading bot: reads signals, places orders on BingX perpetual swaps and says what it did."""
