"""T1 of the head in, CT of it that nobody took out: networks, trainings with pairs and without, evaluation."""
