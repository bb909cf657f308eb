"""Files that people hand in (changes, users, exclusions) become records of checked cells, within limits."""
