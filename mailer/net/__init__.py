"""Who touches the network? Resolver, transport, listeners."""
