"""The pure half of each channel kind: settings, rendering, fields used, guarantee."""
