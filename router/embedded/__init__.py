"""Private servers for the embedded default: PostgreSQL and Redis from wheels, on loopback only.

Not part of a production install; whatever is given by URL is used instead.
"""
