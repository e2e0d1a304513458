"""What staff see and do on /ops: accounts, sign-in, the board, actions."""
