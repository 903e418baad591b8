"""One static page in HTML: no script, no other file, as readable on a phone as on a desk, in the light and in the dark.

    Survey --> page --+--> summary    implementations, levels, profiles, mutants
                      +--> matrix     clauses down, implementations across
                      +--> runs       scenarios and their items, each with its timeline
                             Outcome --> lanes --> Picture --> drawing --> inline SVG

Whatever comes from a report goes through `markup.text`, and a type tells markup from text, so nothing is forgotten.
The page is HTML that is well-formed XML as well: a test reads it back with a parser that forgives nothing.
"""
