"""ftgate gates pull requests that change fine-tuning data."""

__version__ = "0.1.0"
