"""The notification sink: plays every outside service that Tradewatch notifies, and shows what it was told."""
