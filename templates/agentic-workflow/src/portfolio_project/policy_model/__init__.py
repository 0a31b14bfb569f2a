"""The desk's own model: trained here, read by numpy, served over the chat-completions format."""
