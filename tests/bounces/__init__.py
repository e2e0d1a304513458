"""What comes back is read right: invented reports in the manner of thirty years of mail software."""
