"""What is kept: tables in a database, recordings in a blob store."""
