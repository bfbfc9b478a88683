"""Notebook cells in the language: `%load_ext hotloop`, then `%%hotloop`."""


def register(shell):
    """Adds the cell magic."""

    def run(line, cell):
        """The cell is a program over the notebook's variables; `%%hotloop name` assigns the result."""
        from ._program import _known

        program = _known(cell)
        names = shell.user_ns
        result = program(**{name: names[name] for name in program.inputs if name in names})
        if line.strip():
            names[line.strip()] = result
            return None
        return result

    shell.register_magic_function(run, "cell", "hotloop")
