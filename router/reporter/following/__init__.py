"""After the report, with the receipt: where it stands, what is written, and receipts that are wrong."""
