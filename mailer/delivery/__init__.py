"""What goes out: claims, the journal, retries, the courier and the worker that runs them."""
