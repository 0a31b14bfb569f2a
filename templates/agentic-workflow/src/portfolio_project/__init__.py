"""A service desk whose agent works tickets under policy, durably, and is measured."""
