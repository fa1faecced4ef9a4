"""What is said of contents that were understood and are not taken."""

from app.errors.root import StowageError


class Refused(StowageError, abstract=True):
    """It was understood, and refused."""

    status = 422


class EmptyFile(Refused):
    """The file is empty."""


class TooManyPixels(Refused):
    """The image has more pixels than are taken here."""


class TooManyFrames(Refused):
    """The animation has more frames than are taken here."""


class UnreadableImage(Refused):
    """The image does not say how large it is: it is cut or broken."""


class UnsafeSvg(Refused):
    """The SVG cannot be made harmless."""
