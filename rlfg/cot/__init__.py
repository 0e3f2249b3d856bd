"""Chain-of-thought data: read, checked, written."""

from rlfg.cot.check import Limits, Report, check
from rlfg.cot.formats import FORMATS, Sample, read_samples, write_samples

__all__ = ["FORMATS", "Limits", "Report", "Sample", "check", "read_samples", "write_samples"]
