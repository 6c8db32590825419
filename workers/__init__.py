"""Delivers referrals to the outside; cannot read content."""
