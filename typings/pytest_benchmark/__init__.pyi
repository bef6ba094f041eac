# The part of pytest-benchmark that this project uses; the package ships no types.
