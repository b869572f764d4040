"""What is worth telling, and telling it: judge, alert, evidence, outbox, channels."""
