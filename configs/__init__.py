"""Configurations of the commands: a folder per command with its YAML files.

``shared`` holds what several commands use. An entry such as ``- planner: cross_entropy`` in a defaults list is a group,
of which the user picks an option; an entry such as ``- blocks/sampling`` adds keys that are written only once. Comments
are the help that users read, except those that begin with ``# null``: the help shows the values of a run instead.
"""
