"""Where frames come from: cameras and recordings, decoded, sampled and kept alive."""
