"""A volume in, what the networks say about it out; the device is owned by a process of its own."""
