"""The receding-horizon loop that runs one case: observe, route, check, load, run, score, learn, repeat."""
