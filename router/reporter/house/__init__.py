"""What the organisation that runs this says of itself: read, checked, shown and printed."""
