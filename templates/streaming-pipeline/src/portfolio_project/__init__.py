"""A streaming pipeline: events in, stateful features, scored by a trained model, served live."""
