"""What this machine has. The choice of engines will live here too."""
