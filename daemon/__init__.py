"""Runs the house: command line, assembly, one TaskGroup, metrics and health."""
