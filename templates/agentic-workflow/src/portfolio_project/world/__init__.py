"""The company that the desk serves: its records, its policies, and every way to change it."""
