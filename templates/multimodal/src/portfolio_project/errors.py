"""What a user did or has that can't work; the text is one line that says what to do."""


class UserError(Exception):
    """Told in one line, without a traceback; the command ends with status 2."""
