from __future__ import annotations

import sys
from pathlib import Path

# Test files import their builders (projects) from here; importlib mode adds no folder by itself.
sys.path.insert(0, str(Path(__file__).parent))
