"""A memory's file: its connection, its tables and their history."""
