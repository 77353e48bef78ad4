"""What is said when something from outside cannot be used."""

from typing import Self


class Refused(ValueError):
    """A refusal in one sentence: what is wrong, what would be right, and the way out.

    The sentence is kept as a template beside its values, so that a page can say it in another language.
    Values come from outside (file names, layer names): they are text, never markup.
    """

    def __init__(self, template: str, **values: object):
        said = {name: str(value) if isinstance(value, BaseException) else value for name, value in values.items()}
        self.template, self.values_said = template, said
        super().__init__(template.format(**said))

    def alone(self) -> Self:
        """The same refusal without where it was raised, for whatever remembers it.

        A traceback, a cause and a context hold everything that their frames held: networks and pictures among them.
        """
        return type(self)(self.template, **self.values_said)
