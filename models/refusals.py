"""What is said when something from outside cannot be used."""


class Refused(ValueError):
    """A refusal in one sentence: what is wrong, what would be right, and the way out.

    The sentence is kept as a template beside its values, so that a page can say it in another language.
    Values come from outside (file names, layer names): they are text, never markup.
    """

    def __init__(self, template: str, **values: object):
        self.template, self.values_said = template, values
        super().__init__(template.format(**values))

    def __reduce__(self):  # exceptions cross from the child process that reads weights
        return _refused, (type(self), self.template, self.values_said)


def _refused(kind: type[Refused], template: str, values: dict[str, object]) -> Refused:
    return kind(template, **values)
