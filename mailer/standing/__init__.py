"""Is our domain fit to send? Pure: the DNS records to publish."""
