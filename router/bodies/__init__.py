"""Outside bodies: police, hotlines, NCMEC. Who they are, what each takes, and which of them a finding is for."""
