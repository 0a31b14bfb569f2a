"""Pictures, text, sound and attributes in one space: learned here, searched from any to any."""
