"""Provenance: reproducible runs, their manifests, and the model registry."""
