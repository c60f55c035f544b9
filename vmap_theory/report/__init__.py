"""The demo report: everything the package does for crelu and cst at one sparsity, in one self-contained HTML page."""

from .demo import DemoResult as DemoResult
from .demo import write_demo_report as write_demo_report
