"""Is the picture itself worth looking at: black, frozen, blurred, covered, exposure, smear, moved."""
