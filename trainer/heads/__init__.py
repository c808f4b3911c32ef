"""Models on the features of a backbone: small, quick to train, and measured across sets."""
