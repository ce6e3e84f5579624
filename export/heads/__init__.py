"""What trainings on whole heads share: how a head is found in a volume and turned upright, where heads come from."""
