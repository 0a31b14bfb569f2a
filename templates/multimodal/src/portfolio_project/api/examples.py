"""A small picture and a short sound, in base64, for the examples in the API's document."""

PICTURE = (
    "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQAQMAAAAlPW0iAAAABlBMVEXmHh4AAAAKbEgfAAAAL0lEQVR42mP8z8DE"
    "wMDEwMDwR57pzwemHz+YPvyBiECRAAsTBwcTiwDjfwYmBgYAGQIJNsCUkm4AAAAASUVORK5CYII="
)
"""A red disc on black, as a PNG of 16 x 16 pixels."""

SOUND = (
    "UklGRuwAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YcgAAACAlaOlmYVvXllidYuepqCPeWVaXGuB"
    "lqSlmIRtXVljdo2fpqCOeGRaXWyCl6Skl4JsXVpkd46fpp+NdmNZXW2DmKWkloFrXFpkeY+gpp6MdWJZXm6FmaWj"
    "lYBqXFplepChpp2KdGFZX2+GmqWjlH5pW1pme5Ghpp2Jc2BZX3GHm6Wik31oW1tnfJOipZyIcWBZYHKInKaiknxn"
    "W1tofpSjpZuHcF9ZYXOKnaahkXtmWlxpf5WjpZqFb15ZYXSLnqahkHllWlxqgA=="
)
"""A tone of 25 milliseconds, as a WAV file."""
