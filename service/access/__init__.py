"""Who may do what: keys with roles, sessions, limits, and the log of what was changed."""
