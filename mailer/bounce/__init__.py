"""What came back, and about whom? Pure: reports read into values."""
