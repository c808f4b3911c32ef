"""From pixels to a verdict: model card, preparation, inference, calibrated answer."""
