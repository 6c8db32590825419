"""Policy and Facts to Decision; pure."""
