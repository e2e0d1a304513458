"""The house rules, checked: floors, sizes, words, documents, packaging."""
