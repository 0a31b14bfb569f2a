"""`python -m PACKAGE.provenance`: documents that show only what was measured."""

import sys

from .documents import main

sys.exit(main())
