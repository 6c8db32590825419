"""`make bench`: the product beside a straight-line program, in the same run on the same machine."""
