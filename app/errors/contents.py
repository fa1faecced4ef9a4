"""What is said of contents that were understood, and are not taken or not shown as asked."""

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


class Infected(Refused):
    """The virus scanner found something in the file."""


class PublicAddress(StowageError):
    """The file lies at a public address of its store, which cannot be taken back: delete it and upload it again."""

    status = 409


class NotCleaned(StowageError):
    """The image may hold personal metadata, since it was stored for few to see: upload it again as a public file."""

    status = 409
