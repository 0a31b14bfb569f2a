"""Monitors: is the stream still what the model was trained on, and does everything arrive?"""
