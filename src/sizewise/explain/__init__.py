"""What a network looks at: maps over its inputs, and how far they are to be believed."""
