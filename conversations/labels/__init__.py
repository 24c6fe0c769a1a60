"""What reviewers note in a conversation: grade, tags, note, "reviewed", and corrected transcripts.

The transcript itself is never changed: a correction stands beside it.
"""
