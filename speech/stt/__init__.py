"""Speech to text: recognisers behind one small streaming interface."""
