"""What each command does, below the words of the command line: resolve names, work, print, end with a code."""
