"""Where the shipped models come from: phantoms, training, export and evaluation. Never imported by the plugin."""
