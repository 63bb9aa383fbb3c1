"""`python -m metarl_fast` is the command `metarl-fast`."""

from metarl_fast.cli import main

raise SystemExit(main())
