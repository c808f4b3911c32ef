"""What the frozen program does before anything else: it answers ``elascope --version``.

PyInstaller runs this before its own preparations for Qt and for processes, which take three times
as long as the whole answer.
"""

import sys

if sys.argv[1:] == ["--version"] and sys.stdout is not None:
    from app import __version__

    print(f"elascope {__version__}")
    sys.exit()
