"""From programs to wire bytes: encodings, headers, MIME and the filling of holes."""
