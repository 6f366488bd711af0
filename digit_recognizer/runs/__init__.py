"""What training leaves behind: run folders, and the choice and the blend of them."""
