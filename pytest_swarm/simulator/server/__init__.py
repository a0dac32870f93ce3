"""The simulated server itself: HTTP endpoints, scheduler, GPU memory, eviction, and faults on demand."""
