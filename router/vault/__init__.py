"""Keys, sealing and receipts; pure."""
