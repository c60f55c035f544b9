"""Phase diagrams: fixed points, depth scales and trainability scores over a plane of initialisations."""

from .clipping import clipping_phase_diagram as clipping_phase_diagram
from .diagram import PhaseDiagram as PhaseDiagram
from .phases import Phase as Phase
from .scores import ScoreMap as ScoreMap
from .variances import variance_phase_diagram as variance_phase_diagram
