"""The sending half for Request Tracker 5 (REST 2.0): tickets, what is said in them, checks and later looks.

Never sets a requestor, never writes what RT would mail to one, never repeats what RT said.
"""

from workers.channels.rt.sending import NOTHING_THERE, RtSender

__all__ = ["NOTHING_THERE", "RtSender"]
