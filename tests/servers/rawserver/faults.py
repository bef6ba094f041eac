"""All faults by name."""

from __future__ import annotations

from rawserver import faults_answers, faults_content, faults_lines, faults_process

FAULTS = {
    **faults_process.FAULTS,
    **faults_lines.FAULTS,
    **faults_answers.FAULTS,
    **faults_content.FAULTS,
}


def summary(fault):
    """Return what a fault does, in one sentence."""
    return (fault.__doc__ or "").splitlines()[0]
