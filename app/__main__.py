"""``python -m app`` is the command ``elascope``; PyInstaller makes its program of it, too."""

import sys

if __name__ == "__main__":
    if getattr(sys, "frozen", False):
        # Before anything else: a worker process is this program, too, started once more to work.
        import multiprocessing

        multiprocessing.freeze_support()

    from app.cli import main

    sys.exit(main())
