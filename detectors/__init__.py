"""What looks at frames and says what it sees: quality, anomaly, and what is to come."""
