"""Personal metadata: taken out of an image without decoding a pixel, and said where it could not be."""

from app.images.metadata.cleaning import CLEANED_TYPES, Cleaned, clean, plan
from app.images.metadata.draft import Plan, Remove

__all__ = ["CLEANED_TYPES", "Cleaned", "Plan", "Remove", "clean", "plan"]
