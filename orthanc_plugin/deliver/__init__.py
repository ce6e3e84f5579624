"""What destinations take: the profile of the local archive, and of those beyond."""
