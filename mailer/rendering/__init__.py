"""From what an author wrote to the bytes on the wire; knows nothing of databases or people."""
