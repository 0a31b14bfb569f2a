"""Portfolio project: a service desk whose agent works tickets under policy, and is measured."""
