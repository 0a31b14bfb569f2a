"""The company that the desk serves: its records in SQL, its policies, and every way to change it."""
