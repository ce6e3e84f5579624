"""What script/bench runs: ratios against the same machine in the same run, never bare seconds."""
