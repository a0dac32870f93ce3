"""Recordings and installed models to simulator profiles and fleet files: measured figures in place of guessed ones."""
