"""The agent: who answers (models), what it may call (tools), and how far it may go (limits)."""
