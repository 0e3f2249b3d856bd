"""The one-file HTML report."""

from eval.report.build import ReportInput, build_report
from eval.report.curves import read_curves
from eval.report.folders import report_from_folders

__all__ = ["ReportInput", "build_report", "read_curves", "report_from_folders"]
