"""What a run leaves behind for people: tracking, pictures and tables."""
