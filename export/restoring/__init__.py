"""What trainings share whose answer is an image: networks, how good an image is, what it has lost or invented."""
