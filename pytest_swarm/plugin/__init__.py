"""The pytest plugin: options, parametrisation, fixtures, hooks. The only room that imports pytest."""
