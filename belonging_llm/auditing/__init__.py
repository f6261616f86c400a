"""The audit of a study: gold against model, on a split that nobody tuned on."""
