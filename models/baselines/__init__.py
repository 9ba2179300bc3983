"""What the prior is measured against: simpler ways to predict how codes follow each other."""
