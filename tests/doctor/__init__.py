"""The doctor, held against a world made for the test: name servers, relays and sites with good and bad days."""
