"""What the simulated models do: profiles, and the texts that are composed by them."""
