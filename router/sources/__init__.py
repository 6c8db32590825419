"""Where concerns come from besides people: ticket systems and detection, and what of their messages is taken."""
