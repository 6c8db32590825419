"""Stand-ins for ticket systems: stateful, on 127.0.0.1, each enforcing what its vendor documents. Not the systems.

Which kinds were also run against the real product stands in the README.
"""
