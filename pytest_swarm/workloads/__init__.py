"""Where task graphs and fleets come from: builders, files, importers and generators."""
