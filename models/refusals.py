"""What is said when something from outside cannot be used."""


class Refused(ValueError):
    """A refusal in one sentence: what is wrong, what would be right, and the way out.

    The sentence is kept as a template beside its values, so that a page can say it in another language.
    Values come from outside (file names, layer names): they are text, never markup.
    """

    def __init__(self, template: str, **values: object):
        self.template, self.values_said = template, values
        super().__init__(template.format(**values))
