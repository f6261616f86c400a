"""Reports: pages that people read."""
