"""The page that breaks the demo: a process of `make run`, on this machine only.

The supervisor alone kills and starts programs: this process prints what it is to do, and nobody
else can write to that pipe.
"""
