"""The sending half for NCMEC's CyberTipline: opens a report, finishes it, retracts what nobody wants any more."""

from workers.channels.cybertipline.sender import CybertiplineSender

__all__ = ["CybertiplineSender"]
