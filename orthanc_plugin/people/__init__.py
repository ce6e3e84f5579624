"""Who may do what: the one place that decides access."""
