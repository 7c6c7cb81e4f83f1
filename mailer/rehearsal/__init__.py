"""What would happen? Simulated DNS, carriers and guardians on loopback."""
