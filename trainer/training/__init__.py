"""From pictures to weights: preparation, augmentation, the loop, checkpoints, processes."""
