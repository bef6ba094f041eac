"""Reference servers that show what a good server looks like; `servers.json` lists them."""
