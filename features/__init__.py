"""From sound to arrays: decoding, spectrograms, wavelets, musical attributes, the feature cache."""
