"""Values and rules that everything else is built from; standard library only."""
