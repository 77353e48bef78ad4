"""What is said when something from outside cannot be used, or is used with a remark."""

from functools import partial
from typing import Self


class Sentence:
    """A sentence, kept as a template beside its values, so that a page can say it in another language.

    Values come from outside (file names, layer names): they are text, never markup.
    """

    def __init__(self, template: str, **values: object):
        # an error among the values would bring along its traceback
        said = {name: str(value) if isinstance(value, BaseException) else value for name, value in values.items()}
        self.template, self.values_said = template, said
        self._english = template.format(**said)  # at once, so that a value without its place is found where it is made

    def __str__(self) -> str:
        return self._english

    def __reduce__(self) -> tuple:
        """How it comes from another process: with its values, which an exception would leave out."""
        return partial(type(self), self.template, **self.values_said), ()


class Refused(Sentence, ValueError):
    """A refusal in one sentence: what is wrong, what would be right, and the way out."""

    def alone(self) -> Self:
        """The same refusal without where it was raised, for whatever remembers it.

        A traceback, a cause and a context hold everything that their frames held: networks and pictures among them.
        """
        return type(self)(self.template, **self.values_said)


class Remark(Sentence):
    """What has to be known about something that is used all the same."""
