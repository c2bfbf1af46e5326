"""Trained networks over HTTP, and a page that shows them side by side."""
