"""Who may do what from where: roles, sessions of the page, Host and Origin checks, rate limits, response headers."""
