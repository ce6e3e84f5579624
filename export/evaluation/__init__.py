"""What reports on models are made of: statistics, pictures, and the page they stand on."""
