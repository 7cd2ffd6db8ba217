"""The kit for plugin authors: a loopback server whose faults can be switched on, and what a provider is held to."""
