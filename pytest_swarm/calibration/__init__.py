"""Calibration: recordings and installed models become simulator profiles and fleet files with measured values.

The path of a recording: `recorded_chats` collects what the takes hold of each model, `accuracy` scores the answers,
`measured_models` computes the values, `profile_toml` and `calibrate`, the entry point, write them.
`installed_models` measures the models of a running server instead. Knows nothing of pytest.
"""
