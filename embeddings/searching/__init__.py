"""From a question to hits: words, meaning, fusion, moments and snippets."""
