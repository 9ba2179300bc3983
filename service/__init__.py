"""What people touch: use cases, HTTP API, web page, command line, storage, jobs."""
