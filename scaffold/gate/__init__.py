"""Prove a project from outside: a clean clone, its own environment, its own gate step by step."""
