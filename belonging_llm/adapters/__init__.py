"""Vendors behind the small protocols: each file imports one of them, lazily."""
