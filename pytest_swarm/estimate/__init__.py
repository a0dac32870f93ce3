"""What the router believes: quality, token cost and switch cost, learned from what was observed (DESIGN 3)."""
