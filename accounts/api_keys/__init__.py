"""Keys by which programs come: made, found by what a request brings, limited, counted."""
