"""Reference servers that show what a good server looks like."""
