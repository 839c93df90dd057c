"""What is shipped to try Serenade with, and the scripts that made it; not part of the installed package."""
